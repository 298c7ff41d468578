import type { OperationId } from '../../../model/ids.ts';
import { RETENTION_MS } from '../../../model/limits.ts';
import type { Operation, OperationStore } from '../../../ports/operation-store.ts';
import type { SqliteFile } from '../../_shared/sqlite-file.ts';

interface OperationRow {
  readonly body: string;
  readonly fingerprint: string | null;
}

/**
 * An operation is one JSON text: nothing is looked for inside it, and its lease stands beside it. Leases are on the file's clock.
 * The last lease ends soon after the work, and so tells how old an ended operation is: old ones go when a new one comes.
 */
export function operationsIn(file: SqliteFile): OperationStore {
  const read = ({ body }: OperationRow): Operation => JSON.parse(body) as Operation;
  const first = (sql: string, ...values: readonly (string | number)[]): OperationRow | undefined =>
    file.prepare<OperationRow>(sql).get(...values);
  return {
    addOperation: (operation, key) =>
      file.write(() => {
        const known = key && first('SELECT body, fingerprint FROM operations WHERE tenant = ? AND key = ?', operation.tenant, key.text);
        if (known !== undefined) return { operation: read(known), ...(known.fingerprint !== null && { fingerprint: known.fingerprint }) };
        file.prepare('DELETE FROM operations WHERE is_running = 0 AND leased_until <= ?').run(file.now() - RETENTION_MS);
        file
          .prepare('INSERT INTO operations (id, tenant, key, fingerprint, body, is_running) VALUES (?, ?, ?, ?, ?, 1)')
          .run(operation.id, operation.tenant, key?.text ?? null, key?.fingerprint ?? null, JSON.stringify(operation));
        return { operation };
      }),
    async getOperation(tenant, id: OperationId) {
      const row = await file.read(() => first('SELECT body, fingerprint FROM operations WHERE tenant = ? AND id = ?', tenant, id));
      return row && read(row);
    },
    async takeOperation(owner, leaseMs) {
      const free = 'SELECT body, fingerprint, id FROM operations WHERE is_running = 1 AND leased_until <= ? ORDER BY seq LIMIT 1';
      if ((await file.read(() => first(free, file.now()))) === undefined) return undefined; // at rest nothing is written
      return file.write(() => {
        const now = file.now();
        const row = first(free, now);
        if (row === undefined) return undefined;
        const operation = read(row);
        file.prepare('UPDATE operations SET owner = ?, leased_until = ? WHERE id = ?').run(owner, now + leaseMs, operation.id);
        return operation;
      });
    },
    saveOperation: (operation, owner, leaseMs) =>
      file.write(() => {
        const isRunning = operation.status === 'running';
        const save = file.prepare('UPDATE operations SET body = ?, is_running = ?, leased_until = ? WHERE id = ? AND owner = ?');
        return save.run(JSON.stringify(operation), isRunning ? 1 : 0, file.now() + leaseMs, operation.id, owner).changes === 1;
      }),
  };
}
