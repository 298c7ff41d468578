// @ts-check
import { openBuiltEngine } from './built-engine.mjs';

// The HTTP half of `shoal serve` without its worker: when it is killed, no send is under way in it, so that what becomes
// of its mails is the API's doing alone.
const engine = await openBuiltEngine({ roles: { http: true, worker: false } });
await engine.start();
