import { spawnSync } from 'node:child_process';
import { chdir, cwd } from 'node:process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { configOf } from 'shoal';
import { runProgram } from '../src/cli/program.ts';
import { compileFaults } from './docs-examples-compile.ts';
import { examplesOfSdk, fencesIn, fencesOfPages } from './docs-examples-source.ts';
import { watchedTerminal } from './scenario/cli-terminal.ts';
import { AT_HAND, openStage, type Stage } from './docs-examples-stage.ts';

/** An example that does not work is worse than none: each is compiled, and run where it can be. */

const fences = fencesOfPages();
const comments = examplesOfSdk();

let stage: Stage;
let startedIn: string;
beforeAll(async () => {
  stage = await openStage();
  startedIn = cwd();
  chdir(stage.home); // an example may name files
  vi.stubEnv('HOME', stage.home);
  vi.stubEnv('SHOAL_URL', stage.url);
  vi.stubEnv('SHOAL_TOKEN', stage.token);
}, 60_000);
afterAll(async () => {
  chdir(startedIn);
  vi.unstubAllEnvs();
  await stage?.close();
});

describe('the pages', () => {
  it('have examples in languages that are checked here', () => {
    const CHECKED = ['ts', 'js', 'sh', 'python', 'json', ''];
    expect(fencesIn('x.md', 'a\n```ts run\ncode\n```\n')).toEqual([{ name: 'x.md:2', language: 'ts', isRun: true, code: 'code\n' }]);
    expect(fences.filter(({ language }) => !CHECKED.includes(language)).map(({ name }) => name)).toEqual([]);
    expect(fences.filter(({ isRun, language }) => isRun && language === 'ts').length).toBeGreaterThan(3);
  });

  it('have only examples that compile', () => {
    const planted = { name: 'planted.ts', code: "import { Shoal } from '@shoal/sdk'; await Shoal.creat();" };
    const examples = fences
      .filter(({ language }) => language === 'ts')
      .map(({ name, code }) => ({ name: `${name.replaceAll(/[/:]/g, '-')}.ts`, code }));
    const faults = compileFaults([planted, ...examples]);
    expect(faults.filter((fault) => fault.startsWith('planted.ts'))).toHaveLength(1);
    expect(faults.filter((fault) => !fault.startsWith('planted.ts'))).toEqual([]);
  }, 120_000); // a cold compiler on a busy machine

  it.each(fences.filter(({ isRun, language }) => isRun && language === 'ts'))('run: $name', async ({ code }) => {
    await stage.run(code);
  });

  it('have only configurations that the program takes', async () => {
    const files = fences.filter(({ language }) => language === 'js');
    expect(files.length).toBeGreaterThan(0);
    for (const { name, code } of files) {
      expect(code, `${name} is no configuration: write ts`).toContain('export default');
      const { default: values } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
        default: Readonly<Record<string, unknown>>;
      };
      expect(() => configOf(values), name).not.toThrow();
    }
  });

  it('have only JSON that is JSON', () => {
    for (const { code, language } of fences) if (language === 'json') expect(() => JSON.parse(code)).not.toThrow();
  });

  it('have only shell that a shell can read', () => {
    const faultOf = (code: string): string => spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' }).stderr;
    expect(faultOf("echo 'a")).not.toBe('');
    const shell = fences.filter(({ language }) => language === 'sh');
    expect(shell.map(({ name, code }) => `${name} ${faultOf(code)}`)).toEqual(shell.map(({ name }) => `${name} `));
  });
});

/** `clients/three-lines.test.ts` runs the one in docs/start/from-an-agent.md. */
it('Python stands in one page only', () => {
  expect(fences.filter(({ language }) => language === 'python').map(({ name }) => name.split(':')[0])).toEqual([
    'docs/start/from-an-agent.md',
  ]);
});

/** A line of shell that calls the program, without what stands before it. */
const CALL = /^(?:[A-Z_]+=\S+ )*(?:npx )?shoal ([^&|#]*)/;

describe('the shell of the pages', () => {
  const calls = fences
    .filter(({ language }) => language === 'sh')
    .flatMap(({ name, code }) =>
      code
        .split('\n')
        .flatMap((line) => CALL.exec(line)?.[1] ?? [])
        .map((call) => ({ name, call: call.trim() })),
    );

  it.each(calls)('calls what is there: shoal $call ($name)', async ({ call }) => {
    expect(await faultsOf(call)).toEqual([]);
  });

  it('is compared with the program', async () => {
    expect(calls.length).toBeGreaterThan(5);
    expect(await faultsOf('sned --to x')).toEqual(['no command sned']);
    expect(await faultsOf('send --too x')).toEqual(['no flag --too of send']);
  });

  async function faultsOf(call: string): Promise<string[]> {
    const [words, flags] = [
      call.split(/ --/)[0]?.split(' ') ?? [],
      [...call.replaceAll(/'[^']*'/g, '').matchAll(/(?<= )--[a-z-]+/g)].map(String),
    ];
    const path: string[] = [];
    for (const word of words) {
      const commands = [...(await helpOf(path)).matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name);
      if (commands.length === 0) break; // what follows is an argument
      if (!commands.includes(word)) return [`no command ${word}`];
      path.push(word);
    }
    const help = await helpOf(path);
    return flags
      .filter((flag) => !new RegExp(`^ +(?:-[a-z], )?${flag}\\b`, 'm').test(help))
      .map((flag) => `no flag ${flag} of ${path.join(' ')}`);
  }

  async function helpOf(path: readonly string[]): Promise<string> {
    const terminal = watchedTerminal();
    await runProgram([...path, '--help'], terminal);
    return terminal.printed();
  }
});

describe('the comments of the SDK', () => {
  it('have an example for everything that can be called', () => {
    expect(comments.length).toBeGreaterThan(40);
    expect(comments.filter(({ code }) => code === undefined || code.trim() === '').map(({ name }) => name)).toEqual([]);
  });

  it('have only examples that compile', () => {
    const sources = comments.map(({ name, code = '' }) => ({ name: `${name}.ts`, code: `${AT_HAND}\n{\n${code}\n}` }));
    const planted = { name: 'planted.ts', code: `${AT_HAND}\n{ await mail.sned(); }` };
    const faults = compileFaults([planted, ...sources]);
    expect(faults.filter((fault) => fault.startsWith('planted.ts'))).toHaveLength(1);
    expect(faults.filter((fault) => !fault.startsWith('planted.ts'))).toEqual([]);
  }, 120_000);

  it.each(comments)('run: $name', async ({ code = '' }) => {
    await stage.run(code);
  });
});
