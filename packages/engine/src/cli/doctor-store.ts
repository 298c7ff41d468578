import { accessSync, constants, existsSync, readdirSync, readlinkSync, realpathSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { probeStore, type StoreProbe } from '../probe-store.ts';
import { modeFindings } from './doctor-machine.ts';
import { type Finding, fault, note, ok, warning } from './finding.ts';

/** What holds the queue: the SQLite there is, the file, its disk, and who else has it open. */
export async function storeFindings(config: Config): Promise<readonly Finding[]> {
  const path = config.ledger.slice('sqlite:'.length);
  const folder = nearestFolder(dirname(path));
  return [
    ...folderFindings(config.dataDir),
    ...fileFindings(path),
    ...fileSystemFindings(folder, config.diskFloorMb),
    ...modeFindings('token', join(config.dataDir, 'token')),
    ...modeFindings('secret key', join(config.dataDir, 'secret.key')),
    ...otherProcesses(path),
  ];
}

/** The folder itself, or what there is of the way to it. */
function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

function folderFindings(dataDir: string): readonly Finding[] {
  const folder = nearestFolder(dataDir);
  if (!statSync(folder).isDirectory())
    return [fault('data folder', `${folder} is a file, and a folder is needed`, 'give another folder with --data-dir or SHOAL_DATA_DIR')];
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    return [
      fault('data folder', `${folder} may not be written`, 'change its owner, or give another folder with --data-dir or SHOAL_DATA_DIR'),
    ];
  }
  return [ok('data folder', folder === dataDir ? dataDir : `${dataDir} is not there yet and will be made`)];
}

const FUTURE_MS = 60_000;

function fileFindings(path: string): readonly Finding[] {
  const isOurs = existsSync(path) && statSync(path).isFile() && statSync(path).uid === process.getuid?.();
  const { driver, version, isFixed, why, cures, file } = probeStore(isOurs ? path : undefined);
  const library = isFixed
    ? ok('sqlite', `${version} of ${driver}: processes may share a file`)
    : warning('sqlite', `${why}; so one process holds the file alone`, cures);
  if (!existsSync(path)) return [library, note('database', `${path} is not there yet; the first start makes it`)];
  if (!isOurs) return [library, warning('database', `${path} belongs to another user, so it was not looked into`, 'run this as that user')];
  if (file === undefined) return [library];
  const ahead = (file.latestMs ?? 0) - Date.now();
  const clock =
    ahead > FUTURE_MS
      ? warning(
          'clock',
          `the database was last written ${Math.round(ahead / 60_000)} minutes after what this calendar says`,
          'set the clock of this machine; leases and limits are not affected',
        )
      : undefined;
  return [library, durabilityFinding(path, file), ...(clock === undefined ? [] : [clock])];
}

const FULL = 2;

/** What was read back, never what was asked for: a library may be built to take less. */
function durabilityFinding(path: string, { check, journalMode, synchronous }: NonNullable<StoreProbe['file']>): Finding {
  if (journalMode !== 'wal') {
    if (check === 'empty') return note('durability', `${path} is empty yet; the first start sets WAL and synchronous=FULL`);
    return fault(
      'durability',
      `the journal mode of ${path} is ${journalMode}, not wal`,
      'stop all programs on the file and start Shoal again',
    );
  }
  if (synchronous !== FULL)
    return fault(
      'durability',
      `SQLite keeps synchronous at ${synchronous}, not ${FULL} (FULL): a crash could lose mail`,
      'install an SQLite that takes PRAGMA synchronous = FULL',
    );
  return ok('durability', 'synchronous=FULL, WAL: a crash loses nothing that was acknowledged, if the disk keeps what it says it wrote');
}

/** `f_type` of statfs(2). */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const OVER_NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x65735546, 'FUSE'],
]);

function fileSystemFindings(folder: string, floorMb: number): readonly Finding[] {
  const { type, bavail, bsize } = statfsSync(folder);
  const freeMb = Math.floor((bavail * bsize) / 1_048_576);
  const network = OVER_NETWORK.get(type);
  const kind = IN_MEMORY.has(type)
    ? [fault('file system', `${folder} is in memory (tmpfs): a restart of the machine loses every mail`, 'put the data folder on a disk')]
    : network === undefined
      ? []
      : [warning('file system', `${folder} is on ${network}: WAL works on a local disk only, and can lose data here`, 'use a local disk')];
  const space =
    freeMb < floorMb
      ? fault(
          'disk',
          `${freeMb} MiB free, below the floor of ${floorMb}: no mail is taken or sent`,
          'make room, or lower SHOAL_DISK_FLOOR_MB',
        )
      : freeMb < 2 * floorMb
        ? warning('disk', `${freeMb} MiB free; below ${floorMb} no mail is taken`, 'make room soon')
        : ok('disk', `${freeMb} MiB free, floor ${floorMb}`);
  return [...kind, space];
}

/** Linux tells what each process has open; elsewhere nothing is said. */
function otherProcesses(path: string): readonly Finding[] {
  if (!existsSync(path) || !existsSync('/proc/self/fd')) return [];
  const file = realpathSync(path);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && hasOpen(name, file));
  return [
    note('processes', pids.length === 0 ? 'no other process has the database open' : `the database is open in pid ${pids.join(', ')}`),
  ];
}

function hasOpen(pid: string, file: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => targetOf(`/proc/${pid}/fd/${fd}`) === file);
  } catch {
    return false; // ended meanwhile, or another user's
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
