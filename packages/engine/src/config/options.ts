import type { Config } from './schema.ts';

export type OptionName = keyof Config;

export interface Option {
  /** Its key in `shoal.config`. */
  readonly name: OptionName;
  readonly env: string;
  /** Absent: only the environment and the file have it, since it may hold a secret or is nothing to say in passing. */
  readonly flag?: string;
  /** What its number counts, or the form of its text. */
  readonly unit: string;
  /** As a person would write it. */
  readonly default: string;
  readonly example: string;
  readonly description: string;
}

/** Every option of the engine, once: flags, `--help` and docs/reference/config.md are made from or compared with this table. */
export const OPTIONS: readonly Option[] = [
  {
    name: 'ledger',
    env: 'SHOAL_LEDGER',
    flag: '--ledger',
    unit: 'sqlite:PATH',
    default: 'sqlite:DATA_DIR/shoal.db',
    example: 'sqlite:/var/lib/shoal/shoal.db',
    description: 'Where jobs, their schedule and idempotency keys live.',
  },
  {
    name: 'store',
    env: 'SHOAL_STORE',
    flag: '--store',
    unit: 'sqlite:PATH',
    default: 'the same file as the ledger',
    example: 'sqlite:/var/lib/shoal/shoal.db',
    description: "Where inboxes and messages live: the ledger's own file in this version.",
  },
  {
    name: 'transport',
    env: 'SHOAL_TRANSPORT',
    flag: '--transport',
    unit: 'URL',
    default: 'capture:',
    example: 'smtps://user:password@smtp.example.com:465',
    description: 'How mail leaves: smtp://, smtps://, or capture: to keep it here.',
  },
  {
    name: 'domain',
    env: 'SHOAL_DOMAIN',
    flag: '--domain',
    unit: 'domain name',
    default: 'shoal.localhost',
    example: 'agents.example.com',
    description: 'Domain of new inboxes.',
  },
  {
    name: 'dataDir',
    env: 'SHOAL_DATA_DIR',
    flag: '--data-dir',
    unit: 'folder',
    default: './.shoal',
    example: '/var/lib/shoal',
    description: 'Folder of the database, captured mail and the first token.',
  },
  {
    name: 'http',
    env: 'SHOAL_HTTP',
    flag: '--http',
    unit: 'host:port or off',
    default: '127.0.0.1:7070',
    example: '0.0.0.0:8080',
    description: 'Where the HTTP API listens; port 0 takes a free one.',
  },
  {
    name: 'concurrency',
    env: 'SHOAL_CONCURRENCY',
    flag: '--concurrency',
    unit: 'sends',
    default: '50',
    example: '200',
    description: 'Mails under way at once in one process, before their final dot; and its connections to one mail server.',
  },
  {
    name: 'log',
    env: 'SHOAL_LOG',
    flag: '--log',
    unit: 'debug, info, warn, error or silent',
    default: 'info',
    example: 'debug',
    description: 'The least serious line that is written to standard error.',
  },
  {
    name: 'retryScale',
    env: 'SHOAL_RETRY_SCALE',
    flag: '--retry-scale',
    unit: 'factor',
    default: '1',
    example: '0.01',
    description: 'Multiplies every retry delay; for tests.',
  },
  {
    name: 'retry',
    env: 'SHOAL_RETRY',
    unit: 'object by class, or a function; JSON in the variable',
    default: '{}',
    example: '{"network":{"attemptsMax":8},"deferred":{"giveUpMs":3600000}}',
    description: 'When a failed mail is tried again; see docs/guides/retries.md.',
  },
  {
    name: 'leaseMs',
    env: 'SHOAL_LEASE_MS',
    flag: '--lease-ms',
    unit: 'ms',
    default: '60000',
    example: '30000',
    description: 'How long a silent worker keeps a job before another takes it.',
  },
  {
    name: 'drainMs',
    env: 'SHOAL_DRAIN_MS',
    flag: '--drain-ms',
    unit: 'ms',
    default: '30000',
    example: '60000',
    description: 'How long a stopping process waits for sends under way.',
  },
  {
    name: 'diskFloorMb',
    env: 'SHOAL_DISK_FLOOR_MB',
    flag: '--disk-floor-mb',
    unit: 'MiB',
    default: '256',
    example: '1024',
    description: 'Less free disk than this stops new mail; 0 for no floor.',
  },
  {
    name: 'publicHosts',
    env: 'SHOAL_PUBLIC_HOSTS',
    flag: '--public-hosts',
    unit: 'host names, separated by commas',
    default: 'none',
    example: 'mail.example.com,shoal.internal',
    description: 'Names a proxy on this machine reaches the server by.',
  },
  {
    name: 'signup',
    env: 'SHOAL_SIGNUP',
    flag: '--signup',
    unit: 'loopback, open or off',
    default: 'loopback',
    example: 'off',
    description: 'Who may make a token: this machine, anybody, nobody.',
  },
  {
    name: 'senders',
    env: 'SHOAL_SENDERS',
    unit: 'object by name; JSON in the variable',
    default: '{}',
    example: '{"bulk":{"transport":"smtp://127.0.0.1:2525","limits":{"perDay":500}}}',
    description: 'More senders than `default`: transport, preset, limits.',
  },
  {
    name: 'transportAllowCidrs',
    env: 'SHOAL_TRANSPORT_ALLOW_CIDRS',
    unit: 'address ranges, separated by commas',
    default: 'none',
    example: '127.0.0.0/8,fd00::/8',
    description: 'Internal networks that senders made over the API may use.',
  },
  {
    name: 'secretKey',
    env: 'SHOAL_SECRET_KEY',
    unit: '64 hex digits',
    default: 'made in DATA_DIR/secret.key',
    example: '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    description: 'Seals the passwords of senders made over the API.',
  },
];

/** Read by clients (`@shoal/sdk` and the commands that use it), so known here although no option of the engine. */
export const CLIENT_VARIABLES: readonly string[] = ['SHOAL_URL', 'SHOAL_TOKEN'];

/** Named in the design and not built yet: whoever sets one is told so instead of being left to believe it works. */
export const LATER_VARIABLES: Readonly<Record<string, string>> = {
  SHOAL_BROKER: 'workers find their work in the ledger itself',
  SHOAL_BLOBS: "mail is kept in the ledger's file",
  SHOAL_PARTITIONS: 'a ledger has one partition',
  SHOAL_DNS: 'the resolver of the operating system is used',
  SHOAL_SMTP_IN: 'mail is sent, not received; only `off` is accepted',
  SHOAL_SUBMISSION: 'mail is submitted over HTTP; only `off` is accepted',
  SHOAL_WEBHOOK_ALLOW_CIDRS: 'there are no webhooks',
};

/** The same for keys of `shoal.config`. */
export const LATER_KEYS: Readonly<Record<string, string>> = {
  broker: 'workers find their work in the ledger itself',
  blobs: "mail is kept in the ledger's file",
  partitions: 'a ledger has one partition',
  dns: 'the resolver of the operating system is used',
  smtpIn: 'mail is sent, not received; only `off` is accepted',
  submission: 'mail is submitted over HTTP; only `off` is accepted',
  webhookAllowCidrs: 'there are no webhooks',
};
