import { nearest } from '../model/nearest.ts';
import { NoSuchRoute } from './errors.ts';
import type { Route } from './route.ts';

const PATH_CHARACTERS_SHOWN_MAX = 120;

/** Names the methods the path does take, or else the route that was probably meant. */
export function noSuchRoute(routes: readonly Route[], method: string, path: string): NoSuchRoute {
  const shown = path.slice(0, PATH_CHARACTERS_SHOWN_MAX);
  const allow = methodsOf(routes, path);
  if (allow.length > 0) {
    const meant = allow.filter((each) => each !== 'HEAD' && each !== 'OPTIONS');
    return new NoSuchRoute(`${shown} does not take ${method}`, { hint: `Use ${listed(meant)} here.`, allow });
  }
  const meant = nearestRoute(routes, shown);
  return new NoSuchRoute(`no route ${method} ${shown}`, {
    hint: meant === undefined ? entryPoints(routes) : `The nearest route is ${meant.method} ${meant.path}.`,
    allow: [],
  });
}

function entryPoints(routes: readonly Route[]): string {
  if (routes.some(({ path }) => path === '/')) return 'GET / names the entry points.';
  return `This process answers ${listed(routes.map(({ method, path }) => `${method} ${path}`))} alone.`;
}

/** What a path takes, for `Allow`; empty where there is no route. Whatever can be got has a HEAD (RFC 9110 section 9.1). */
export function methodsOf(routes: readonly Route[], path: string): readonly string[] {
  const methods = new Set<string>(routes.filter((route) => matches(route.path, path)).map((route) => route.method));
  if (methods.size === 0) return [];
  return [...methods, ...(methods.has('GET') ? ['HEAD'] : []), 'OPTIONS'];
}

function matches(pattern: string, path: string): boolean {
  const wanted = segmentsOf(pattern);
  const given = segmentsOf(path);
  return wanted.length === given.length && wanted.every((segment, index) => segment.startsWith(':') || segment === given[index]);
}

/** A parameter stands for whatever is in its place, so only the fixed parts are compared. */
function nearestRoute(routes: readonly Route[], path: string): Route | undefined {
  const given = segmentsOf(path);
  const filled = routes.map((route) =>
    segmentsOf(route.path)
      .map((segment, index) => (segment.startsWith(':') ? (given[index] ?? segment) : segment))
      .join('/'),
  );
  const found = nearest(given.join('/'), filled);
  return found === undefined ? undefined : routes[filled.indexOf(found)];
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** @example listed(['GET', 'PATCH', 'DELETE']) // 'GET, PATCH or DELETE' */
function listed(methods: readonly string[]): string {
  return [methods.slice(0, -1).join(', '), ...methods.slice(-1)].filter((part) => part !== '').join(' or ');
}
