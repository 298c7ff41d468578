// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * One process of ours with its output in a file, so that no pipe has to be read while it is hurt.
 *
 * @typedef {object} Ended
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 *
 * @typedef {object} Child
 * @property {string} name
 * @property {number} pid
 * @property {Promise<Ended>} ended
 * @property {() => boolean} isAlive
 * @property {(signal: NodeJS.Signals) => void} signal
 * @property {() => string} output of this start; the file may hold those before it
 * @property {() => boolean} saysReady a line `ready`, as the commands print it
 */

/**
 * `preload` is the address of a module that runs first.
 *
 * @param {{ name: string, script: string, args?: readonly string[], env?: Readonly<Record<string, string>>, logPath: string, preload?: string }} what
 * @returns {Child}
 */
export function startChild({ name, script, args = [], env = {}, logPath, preload }) {
  const log = openSync(logPath, 'a');
  const { size: from } = fstatSync(log);
  // By the environment, not by a flag, so that the children of this child load it as well.
  const options = preload === undefined ? {} : { NODE_OPTIONS: `--import=${preload}` };
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...cleanEnvironment(), ...options, ...env },
    stdio: ['ignore', log, log],
    detached: true, // a group of its own, so that what it started can be ended with it
  });
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${name} did not start`);
  const pid = child.pid;
  groups.add(pid);
  let isAlive = true;
  /** @type {Promise<Ended>} */
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      isAlive = false;
      resolve({ code, signal });
    });
  });
  const output = () => readFileSync(logPath).subarray(from).toString('utf8');
  return {
    name,
    pid,
    ended,
    isAlive: () => isAlive,
    signal: (signal) => {
      if (isAlive) process.kill(pid, signal);
    },
    output,
    saysReady: () => /^ready$/m.test(output()),
  };
}

/** @type {Set<number>} */
const groups = new Set();
// Whatever ends this process, nothing that it started lives on.
process.on('exit', () => groups.forEach(endGroupNow));

/** @param {number} pid */
function endGroupNow(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // the whole group is gone already
  }
}

/** Ends a child and whatever it started. @param {Child} child */
export async function endGroup(child) {
  endGroupNow(child.pid);
  await child.ended;
  groups.delete(child.pid);
}

/** This process's environment without settings of Shoal and of test runners, which would change what is tested. */
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:SHOAL_|VITEST|NODE_OPTIONS$)/.test(name)));
}
