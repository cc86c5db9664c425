import type { EntityManager } from '@mikro-orm/postgresql';
import { MOST_KEYS } from '../../events/most-keys.js';
import type { OperationPart } from '../../events/operation.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { rowKeyOf } from '../snapshot/row-key-of.js';
import type { SnapshotSet } from './snapshot-set.js';

/** What a restoration has brought back from the archive, as it is told. @internal */
export function restoredParts(em: EntityManager, snapshots: SnapshotSet): OperationPart[] {
  return snapshots.counts().map(([name, count]) => {
    const meta = snapshots.metaOf(name)!;
    const rows = snapshots.of(name).map(({ key, unit }) => ({ key: rowKeyOf(meta, key), unit }));
    const keys = count <= MOST_KEYS ? rows.map(({ key }) => keyFromTexts(em, meta, key)) : undefined;
    return { meta, count, rows, each: () => rows.map(({ key }) => key), ...(keys ? { keys } : {}) };
  });
}
