import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build } from 'tsdown';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** What the SDK is once a bundler has packed it for a browser: small, and with nothing of Node in it. */

const ENTRY = fileURLToPath(new URL('../src/index.ts', import.meta.url));
const TSCONFIG = fileURLToPath(new URL('../tsconfig.json', import.meta.url));
const GZIPPED_BYTES_MAX = 10_000;

let folder: string;
let script: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-bundle-'));
  await build({
    config: false,
    cwd: folder,
    entry: ENTRY,
    tsconfig: TSCONFIG,
    outDir: join(folder, 'out'),
    format: 'iife',
    globalName: 'shoalSdk',
    platform: 'browser',
    minify: true,
    dts: false,
    logLevel: 'error',
  });
  script = await readFile(join(folder, 'out', 'index.iife.js'), 'utf8');
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

it('is at most 10 kB gzipped', () => {
  const bytes = gzipSync(script, { level: 9 }).length;
  expect(bytes).toBeGreaterThan(3_000); // it is really in there
  expect(bytes).toBeLessThanOrEqual(GZIPPED_BYTES_MAX);
});

it('imports nothing, of Node or else', () => {
  const importsOf = (text: string): string[] => ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  expect(importsOf("import('node:fs'); import 'node:os';")).toEqual(['node:fs', 'node:os']);
  expect(importsOf(script)).toEqual([]);
});

it('sends from a place that has fetch and neither process nor Buffer', async () => {
  const asked: string[] = [];
  const answers: Readonly<Record<string, unknown>> = {
    '/v1/signup': { token: 't' },
    '/v1/inboxes': { id: 'ibx_1', address: 'bot@shoal.localhost' },
    '/v1/emails/send': { id: 'eml_1', status: 'queued' },
  };
  const fetch = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    return Response.json(answers[pathname]);
  };
  const browser = {
    fetch,
    Request,
    Response,
    Headers,
    URL,
    URLSearchParams,
    AbortController,
    Blob,
    TextDecoder,
    btoa,
    crypto,
    setTimeout,
    clearTimeout,
  };
  const sent: unknown = await runInContext(
    `${script};
    (async () => {
      const mail = await shoalSdk.Shoal.create();
      const inbox = await mail.createSmartInbox({ name: 'outreach-worker' });
      const attachments = [{ filename: 'a', content: new Uint8Array([1]) }, { filename: 'b', content: new Blob(['x']) }];
      return (await inbox.send({ to: 'ann@example.com', subject: 'Hello', text: 'Hi', attachments })).id;
    })()`,
    createContext({ ...browser }),
  );
  expect(sent).toBe('eml_1');
  expect(asked).toEqual(['/v1/signup', '/v1/inboxes', '/v1/emails/send']);
});
