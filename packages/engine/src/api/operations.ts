import { ShoalError } from '../model/errors.ts';
import { base32, operationId, type TenantId } from '../model/ids.ts';
import type { JobFilter } from '../ports/ledger-dead.ts';
import type { Operation } from '../ports/operation-store.ts';
import type { ApiPorts } from './ports.ts';

/**
 * Records that all dead letters a filter meets are to be put back, or purged; any process then works on it, bit by bit, also
 * over restarts. What dies after this moment is left alone. The same key again is the same operation.
 *
 * @throws ShoalError `key_reused`
 */
export async function beginOperation(
  ports: Pick<ApiPorts, 'ledger' | 'operations' | 'clock' | 'random'>,
  tenant: TenantId,
  { kind, filter, key }: { readonly kind: Operation['kind']; readonly filter: JobFilter; readonly key?: string },
): Promise<Operation> {
  const { now } = await ports.ledger.stats();
  const bounded: JobFilter = { ...filter, endedBefore: Math.min(filter.endedBefore ?? Number.POSITIVE_INFINITY, now + 1) };
  const { count } = await ports.ledger.deadGroups({ ...bounded, tenant, max: 1 });
  const fingerprint = JSON.stringify({ kind, filter });
  const begun: Operation = {
    id: operationId(`op_${base32(ports.random.bytes(17), 26)}`),
    tenant,
    kind,
    filter: bounded,
    status: 'running',
    matched: count,
    done: 0,
    failed: 0,
    createdAt: ports.clock.wallNow(),
    slice: [],
    isLastSlice: false,
  };
  const answer = await ports.operations.addOperation(begun, key === undefined ? undefined : { text: key, fingerprint });
  if (answer.fingerprint !== undefined && answer.fingerprint !== fingerprint)
    throw new ShoalError('key_reused', 'this Idempotency-Key was used for another operation', { details: { filter: 'differs' } });
  return answer.operation;
}

/** @throws ShoalError `not_found` */
export async function getOperation(ports: Pick<ApiPorts, 'operations'>, tenant: TenantId, reference: string): Promise<Operation> {
  const id = readOperationId(reference);
  const operation = id === undefined ? undefined : await ports.operations.getOperation(tenant, id);
  if (operation === undefined) throw new ShoalError('not_found', 'no operation with this id');
  return operation;
}

function readOperationId(text: string): Operation['id'] | undefined {
  try {
    return operationId(text);
  } catch {
    return undefined; // what cannot be an id is the id of nothing
  }
}
