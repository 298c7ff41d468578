import { existsSync, statSync } from 'node:fs';
import { tokenFilePath } from '@shoal/sdk';
import { type Finding, note, ok, warning } from './finding.ts';

/** Before this program was written: a clock that says so was never set. */
const YEAR_MIN = 2025;
const YEAR_MAX = 2100;

export function machineFindings(): readonly Finding[] {
  return [nodeFinding(), ...clockFindings(), ...tokenFileFindings()];
}

function nodeFinding(): Finding {
  const { node } = process.versions;
  const major = Number(node.split('.')[0]);
  return major % 2 === 1
    ? note('node', `Node ${node}: odd versions get no long support`, 'use an even one, such as 22 or 24')
    : ok('node', `Node ${node}`);
}

/** Leases go by a clock of their own, so a wrong calendar loses no mail: it spoils dates, `sendAt` and certificates. */
function clockFindings(): readonly Finding[] {
  const year = new Date().getUTCFullYear();
  if (year < YEAR_MIN || year > YEAR_MAX)
    return [warning('clock', `the calendar of this machine says ${year}`, 'set the clock: TLS and the Date of each mail go by it')];
  const today = new Date().toISOString();
  if (!isKeptInTime())
    return [note('clock', `${today}; nothing on this machine says that it is kept in time`, 'run chrony, ntpd or systemd-timesyncd')];
  return [ok('clock', today)];
}

/** Files that daemons leave while they keep the time. Others leave none, so their absence proves nothing. */
const KEPT_IN_TIME = ['/run/systemd/timesync/synchronized', '/run/chrony/chronyd.pid', '/run/ntpd.pid', '/var/run/ntpd.pid'];

function isKeptInTime(): boolean {
  return process.platform !== 'linux' || KEPT_IN_TIME.some((path) => existsSync(path));
}

function tokenFileFindings(): readonly Finding[] {
  const path = tokenFilePath();
  if (path === undefined) return [note('token', 'there is no home folder, so no token is kept', 'hand SHOAL_TOKEN to clients')];
  return modeFindings('token', path);
}

/** A secret that others may read is one they have. */
export function modeFindings(area: string, path: string): readonly Finding[] {
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0 && process.platform !== 'win32')
      return [warning(area, `${path} has mode ${mode.toString(8)}: other users can read it`, `chmod 600 ${path}`)];
    return [ok(area, `${path} is readable by its owner alone`)];
  } catch {
    return [];
  }
}
