import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { archiveTable } from '../../archive/snapshot/archive-table.js';
import { schemaOf } from '../../archive/snapshot/write-snapshots.js';
import type { ArchivedEntityMetadata } from '../../metadata/archived-entity.js';
import { primaryColumns } from '../../metadata/relations/relation-graph.js';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { readShapes } from '../../postgres/table-shape.js';
import type { RowKey } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { BY_KEY } from '../fragments/plan-settings.js';
import { type DueTimes, retentionOf } from '../plan/due-times.js';
import { milliseconds } from '../status/milliseconds.js';
import { type AskedSnapshotRow, findSnapshots, lockUnit } from '../statements/find-snapshots.js';
import type { CoveringHolds } from './covering-holds.js';
import type { PurgeExplanation, PurgeRowState } from './purge-explanation.js';
import { refuseUnreadableKeys } from './refuse-unreadable-keys.js';
import type { AskedKey } from './require-keys.js';

/**
 * The same for rows of an archived entity: those in its table are active, the others are in the archive.
 *
 * @internal
 */
export async function explainSnapshots(
  em: EntityManager,
  connection: PurgeConnection,
  { name, meta }: ArchivedEntityMetadata,
  keys: readonly AskedKey[],
  known: {
    readonly times: DueTimes;
    readonly holds: CoveringHolds;
    readonly byDefault: number | 'forever';
    /** The entities that the brake would leave alone. */
    readonly braked: ReadonlySet<string>;
  },
): Promise<PurgeExplanation[]> {
  const quoteName = (column: string) => em.getPlatform().quoteIdentifier(column);
  const archive = archiveTable(em);
  const shape = (await readShapes(em, em.getTransactionContext<Transaction>() as Transaction, [meta])).get(meta) ?? [];
  const typeOf = (column: string) => shape.find((one) => one.name === column)?.type ?? 'text';
  const asked = {
    archive,
    table: tableName(em, meta),
    entity: meta.className,
    schema: em.schema === undefined ? undefined : schemaOf(em, meta),
    columns: primaryColumns(meta).map((column) => ({ name: quoteName(column), type: typeOf(column) })),
    keys: keys.map(({ sent }) => sent),
  };
  const found = await refuseUnreadableKeys(name, () =>
    connection.read<AskedSnapshotRow>(findSnapshots(asked, connection.quote), BY_KEY),
  );
  const isLocked = async ({ belongsTo, unit }: AskedSnapshotRow) => {
    const sql = lockUnit(archive, belongsTo!, unit!, connection.quote);
    const [row] = await connection.lock<{ isLocked: boolean }>(sql);
    return row!.isLocked;
  };
  const stateOf = async (row: AskedSnapshotRow, isHeld: boolean): Promise<PurgeRowState> =>
    known.braked.has(row.belongsTo!) ? 'braked' : isHeld ? 'held' : (await isLocked(row)) ? 'locked' : 'removable';
  const explained: PurgeExplanation[] = [];
  for (const [i, { key }] of keys.entries()) {
    const row = found.find(({ n }) => n === String(i + 1))!;
    const isArchived = !row.isActive && row.unit !== null;
    const owner = isArchived ? findOwner(em, row.belongsTo!) : undefined;
    const retention = owner ? retentionOf(owner, known.byDefault) : 'forever';
    const cutoff = owner && known.times.cutoffs.get(owner.name);
    const isDue = isArchived && cutoff !== undefined && row.unit! < cutoff.text.replace('T', ' ');
    const deletedAt = isArchived ? milliseconds(row.deletedAt!) : undefined;
    const heldBy = owner ? known.holds.ofArchived(owner.meta) : [];
    const otherwise = row.isActive ? 'active' : !isArchived ? 'unknown' : retention === 'forever' ? 'kept' : 'waiting';
    const state: PurgeRowState = !isDue ? otherwise : await stateOf(row, heldBy.length > 0);
    explained.push({
      entity: name,
      key,
      state,
      isDue,
      ...(deletedAt === undefined ? {} : { deletedAt: new Date(deletedAt) }),
      ...(deletedAt === undefined || retention === 'forever' ? {} : { dueAt: new Date(deletedAt + retention) }),
      heldBy: isArchived ? heldBy : known.holds.of(meta, JSON.parse(row.key) as RowKey),
      blockedBy: [],
    });
  }
  return explained;
}

/** The entity whose retention an archived row has. */
function findOwner(em: EntityManager, belongsTo: string): ArchivedEntityMetadata | undefined {
  return SoftDeleteCatalog.of(em)
    .allArchived()
    .find(({ meta }) => meta.className === belongsTo);
}
