import { type Loaded, loadConfig } from '../config/load.ts';
import { OPTIONS, type OptionName } from '../config/options.ts';
import type { JsonFlag } from './command-table.ts';
import { domainFindings } from './doctor-domain.ts';
import { machineFindings } from './doctor-machine.ts';
import { storeFindings } from './doctor-store.ts';
import { senderFindings } from './doctor-transport.ts';
import { EXIT } from './exit.ts';
import { type Finding, fault, findingText, note, ok } from './finding.ts';
import { complaintOf, counted } from './print.ts';
import type { EngineFlags } from './serve.ts';
import type { Terminal } from './terminal.ts';

/** Looks at all that Shoal stands on, changes nothing, and says of each thing what it means. */
export async function doctor(terminal: Terminal, flags: EngineFlags, how: JsonFlag): Promise<number> {
  const findings = await examined(terminal, flags);
  const errors = findings.filter(({ level }) => level === 'error').length;
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  if (how.json === true) terminal.printJson({ healthy: errors === 0, errors, warnings, findings });
  else {
    const lines = findings.map((finding) => findingText(finding, terminal.columns, terminal.hasColor));
    terminal.print([...lines, `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`].join('\n'));
  }
  return errors === 0 ? EXIT.ok : EXIT.failed;
}

async function examined(terminal: Terminal, flags: EngineFlags): Promise<readonly Finding[]> {
  let loaded: Loaded;
  try {
    loaded = await loadConfig({ flags, env: terminal.env, cwd: terminal.cwd });
  } catch (error) {
    const { message, hint } = complaintOf(error);
    return [...machineFindings(), fault('config', message, hint)];
  }
  const { config } = loaded;
  const parts = await Promise.all([
    machineFindings(),
    configFindings(loaded),
    carefully('store', storeFindings(config)),
    carefully('transport', senderFindings(config)),
    carefully('domain', domainFindings(config.domain)),
  ]);
  return parts.flat();
}

/** Whatever cannot be looked at is a finding, and no reason to keep the others back. */
async function carefully(area: string, findings: Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await findings;
  } catch (error) {
    const { message, hint } = complaintOf(error);
    return [fault(area, message, hint)];
  }
}

/** Names and origins only: values may hold passwords (security G1). */
function configFindings({ origins }: Loaded): readonly Finding[] {
  const written = OPTIONS.flatMap(({ name }: { readonly name: OptionName }) => {
    const origin = origins[name];
    return origin === undefined ? [] : [origin.includes(' in ') ? origin : `${name} from ${origin}`];
  });
  return [
    written.length === 0
      ? note('config', 'every option has its default', '`shoal init` writes a configuration file')
      : ok('config', `${written.join('; ')}; the other ${OPTIONS.length - written.length} options have their defaults`),
  ];
}
