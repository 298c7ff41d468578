// @ts-check
// Preloaded: moves this process's calendar by CLOCK_SHIFT_MS. Timers and `performance.now()` stay as they are, as when
// somebody sets a machine's clock.
const shiftMs = Number(process.env['CLOCK_SHIFT_MS']);
const RealDate = Date;
const now = () => RealDate.now() + shiftMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (real, parts, made) => Reflect.construct(real, parts.length === 0 ? [now()] : parts, made),
  get: (real, name) => (name === 'now' ? now : Reflect.get(real, name)),
});
