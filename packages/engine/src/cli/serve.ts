import { loadConfig } from '../config/load.ts';
import { makeDataFolder } from './data-folder.ts';
import type { OptionName } from '../config/options.ts';
import type { Engine, openEngine } from '../engine.ts';
import { ShoalError } from '../model/errors.ts';
import { type FirstToken, firstToken } from './first-token.ts';
import type { Terminal } from './terminal.ts';
import { stopRequests, untilStopped } from './until-stopped.ts';

export type OpenEngine = typeof openEngine;
export type EngineFlags = Readonly<Partial<Record<OptionName, string>>>;

/** HTTP and one worker in this process, until it is asked to stop. */
export async function serve(
  terminal: Terminal,
  flags: EngineFlags,
  how: { readonly json: boolean; readonly open: OpenEngine },
): Promise<number> {
  const { config } = await loadConfig({ flags, env: terminal.env, cwd: terminal.cwd });
  if (config.http === 'off')
    throw new ShoalError('bad_config', '`shoal serve` answers over HTTP, and it is off; give it host:port, or run `shoal work`');
  await makeDataFolder(config.dataDir);
  const engine = await how.open(config, { roles: { http: true, worker: true } });
  const asked = stopRequests(terminal);
  try {
    await engine.start();
    const url = engine.url ?? '';
    const token = await firstToken(engine, { dataDir: config.dataDir, url });
    if (how.json) terminal.printJson({ url, token, facts: engine.facts, captures: engine.captures });
    else terminal.say(started(engine, { url, token }));
  } catch (error) {
    asked.close();
    await engine.close();
    throw error;
  }
  return untilStopped(terminal, engine, asked);
}

/** What an operator wants to know at the start, one fact a line; the last line says that callers may come. */
export function started(engine: Pick<Engine, 'facts' | 'captures'>, start: { readonly url: string; readonly token: FirstToken }): string {
  return [
    `shoal  ${start.url}`,
    tokenLine(start.token),
    ...engine.facts,
    ...(engine.captures
      ? ['No mail leaves this machine: it is captured. `shoal captured` shows it;', 'SHOAL_TRANSPORT=smtp://HOST:PORT sends it.']
      : []),
    'ready',
  ].join('\n');
}

function tokenLine(token: FirstToken): string {
  if (token.kind === 'none') return `token: none (${token.why})`;
  const clients = token.keptToo ? '; clients on this machine find it by themselves' : '';
  return `token: ${token.isNew ? 'created ' : ''}in ${token.path}${clients}`;
}
