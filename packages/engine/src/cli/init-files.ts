import { join } from 'node:path';

export interface Setup {
  readonly domain: string;
  /** With its password, if it has one. */
  readonly transport: string;
  readonly preset?: string;
  readonly dataDir: string;
}
export type SetupFormat = 'js' | 'ts' | 'json';

export interface SetupFile {
  readonly path: string;
  readonly text: string;
  /** Mode 600. */
  readonly isSecret: boolean;
}

/**
 * The files of a new configuration. A password never stands in `shoal.config`, which people commit: a module reads it from
 * the data folder, and beside JSON, which cannot, it is a variable in `shoal.env` there. In the order they are written: the
 * configuration last, so that it names nothing that is not there.
 */
export function setupFiles(setup: Setup, format: SetupFormat): readonly SetupFile[] {
  const hasPassword = /\/\/[^/]*@/.test(setup.transport);
  const secret = join(setup.dataDir, 'transport.url');
  const kept = { path: join(setup.dataDir, '.gitignore'), text: '*\n', isSecret: false };
  const config = `shoal.config.${format}`;
  if (format === 'json') {
    const { domain, dataDir, transport, preset } = setup;
    const values = {
      domain,
      dataDir,
      ...(!hasPassword && { transport }),
      ...(preset !== undefined && { senders: { default: { preset } } }),
    };
    const text = `${JSON.stringify(values, undefined, 2)}\n`;
    const path = join(setup.dataDir, 'shoal.env');
    const env = `# Read it before \`shoal serve\`: set -a; . ${quotedForShell(path)}; set +a\nSHOAL_TRANSPORT=${quotedForShell(setup.transport)}\n`;
    return [kept, ...(hasPassword ? [{ path, text: env, isSecret: true }] : []), { path: config, text, isSecret: false }];
  }
  return [
    kept,
    ...(hasPassword ? [{ path: secret, text: `${setup.transport}\n`, isSecret: true }] : []),
    { path: config, text: moduleText(setup, hasPassword ? secret : undefined), isSecret: false },
  ];
}

/** A password may hold a quote, and what follows it must not be run. */
const quotedForShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function moduleText({ domain, transport, preset, dataDir }: Setup, secret: string | undefined): string {
  const quoted = (text: string): string => JSON.stringify(text);
  const lines = [
    '// What `shoal serve` and `shoal work` run with. Variables (SHOAL_DOMAIN, ...) and flags come before it.',
    ...(secret === undefined ? [] : ["import { readFileSync } from 'node:fs';"]),
    '',
    'export default {',
    '  // Domain of new inboxes. Its SPF record has to name the relay below.',
    `  domain: ${quoted(domain)},`,
    '',
    transport === 'capture:'
      ? '  // How mail leaves. capture: keeps it here; smtp://HOST:PORT or smtps://HOST:PORT sends it.'
      : '  // How mail leaves.',
    secret === undefined
      ? `  transport: ${quoted(transport)},`
      : `  // It holds a password, so it lies in a file of its own.\n  transport: readFileSync(${secretPath(secret)}, 'utf8').trim(),`,
    ...(preset === undefined
      ? []
      : [
          '',
          '  // Limits of the provider; `shoal senders show default` tells them.',
          `  senders: { default: { preset: ${quoted(preset)} } },`,
        ]),
    '',
    '  // The database, captured mail and the first token. Keep it on a local disk.',
    `  dataDir: ${quoted(dataDir)},`,
    '',
    '  // Where the HTTP API listens. Beyond loopback put a proxy with TLS in front of it.',
    "  // http: '127.0.0.1:7070',",
    '  // Sends under way at once.',
    '  // concurrency: 50,',
    '};',
  ];
  return `${lines.join('\n')}\n`;
}

/** Beside the configuration, wherever the program is started. */
function secretPath(path: string): string {
  return path.startsWith('/') ? JSON.stringify(path) : `new URL(${JSON.stringify(`./${path.replaceAll('\\', '/')}`)}, import.meta.url)`;
}
