import type { EntityManager } from '@mikro-orm/postgresql';
import type { OperationPart } from '../../events/operation.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { rowKeyOf } from '../snapshot/row-key-of.js';
import type { SnapshotSet } from './snapshot-set.js';

/** Of how many rows of an entity an operation names the keys. @internal */
export const NAMED_ROWS = 1_000;

/** What a restoration has brought back from the archive, as it is told. @internal */
export function restoredParts(em: EntityManager, snapshots: SnapshotSet): OperationPart[] {
  return snapshots.counts().map(([name, count]) => {
    const meta = snapshots.metaOf(name)!;
    const rows = snapshots.of(name).map(({ key, unit }) => ({ key: rowKeyOf(meta, key), unit }));
    const keys = count <= NAMED_ROWS ? rows.map(({ key }) => keyFromTexts(em, meta, key)) : undefined;
    return { meta, count, rows, ...(keys ? { keys } : {}) };
  });
}
