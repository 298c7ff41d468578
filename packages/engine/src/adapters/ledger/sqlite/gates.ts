import { crowded, failed, gotThrough, throttled } from '../../../model/gate.ts';
import type { Effect } from '../../../ports/ledger-scopes.ts';
import type { Act } from './act.ts';
import { holdLonger } from './holds.ts';

/** What an attempt said about its sender's peer, while it still counts as under way. */
export function applyEffects(act: Act, effects: readonly Effect[], owner: number, startedAt: number): void {
  const sender = act.senders.sender(owner);
  for (const effect of effects) {
    switch (effect.kind) {
      case 'through':
        sender.gate = gotThrough(sender.gate, { startedAt, isTaken: effect.isTaken }, act.now);
        break;
      case 'failed':
        sender.gate = failed(sender.gate, { ...effect, askedMs: 0, startedAt }, act.now);
        break;
      case 'throttled':
        sender.gate = throttled(sender.gate, { ...effect, startedAt }, act.now);
        break;
      case 'crowded':
        sender.gate = crowded(sender.gate, sender.open);
        break;
      case 'hold':
        holdLonger(act, effect.hold);
        break;
      default:
        effect satisfies never;
    }
  }
}
