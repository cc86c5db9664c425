import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { EntityMetadata } from '@mikro-orm/core';
import type { RestoreConflict } from '../../errors/restore-conflict.error.js';
import type { TableColumn } from '../../postgres/table-shape.js';
import { execute, inPreview } from '../../sql/transaction.js';
import type { AskedSnapshots } from '../reading/asked-snapshots.js';
import { isMisfit } from '../snapshot/is-misfit.js';
import { AMONG_SNAPSHOTS, amongSnapshots } from '../snapshot/among-snapshots.js';
import { archiveTable } from '../snapshot/archive-table.js';
import { valueSql } from '../snapshot/former-columns.js';
import { withExactText } from '../snapshot/with-exact-text.js';
import { ArchiveRestoration } from './archive-restoration.js';
import type { Snapshot } from './snapshot-set.js';

/** What PostgreSQL says of a value that does not fit. */
interface MisfitError {
  readonly column?: string;
  readonly constraint?: string;
}

/**
 * Finds the columns whose values do not fit any more, once PostgreSQL has refused them: nothing is asked of rows that come back.
 *
 * @returns at least one conflict; one without a key where it is not known which row is meant
 * @internal
 */
export async function findMisfits(
  em: EntityManager,
  meta: EntityMetadata,
  asked: AskedSnapshots | undefined,
  error: unknown,
): Promise<RestoreConflict[]> {
  const { column, constraint } = error as MisfitError;
  // Where the search fails as well, what PostgreSQL has said is all there is to tell.
  const found = asked ? await search(em, asked).catch(() => []) : [];
  const unknown: RestoreConflict = {
    reason: 'schema',
    entity: meta.className,
    key: undefined,
    column: column ?? '*',
    ...(constraint === undefined ? {} : { constraint }),
  };
  return found.length > 0 ? found : [unknown];
}

function search(em: EntityManager, asked: AskedSnapshots): Promise<RestoreConflict[]> {
  return inPreview(em, (ctx) =>
    withExactText(em, ctx, async () => {
      const archive = new ArchiveRestoration(em, ctx);
      await archive.ask(asked);
      await archive.grow([]);
      const conflicts = await archive.match();
      for (const { part, targets } of archive.matched) {
        for (const [name, column] of targets) {
          const snapshot = await findMisfit(em, ctx, archive.snapshots.of(part), name, column);
          if (snapshot) {
            const key = archive.keyOf(part, snapshot.key);
            conflicts.push({ reason: 'schema', entity: part, key, column: name });
          }
        }
      }
      return conflicts;
    }),
  );
}

/** Halves the rows, all of one part, until one is left. */
async function findMisfit(
  em: EntityManager,
  ctx: Transaction,
  snapshots: readonly Snapshot[],
  name: string,
  column: TableColumn,
): Promise<Snapshot | undefined> {
  if (snapshots.length === 0 || (await fits(em, ctx, snapshots, name, column))) {
    return undefined;
  }
  const half = Math.ceil(snapshots.length / 2);
  return snapshots.length === 1
    ? snapshots[0]
    : ((await findMisfit(em, ctx, snapshots.slice(0, half), name, column)) ??
        (await findMisfit(em, ctx, snapshots.slice(half), name, column)));
}

async function fits(
  em: EntityManager,
  ctx: Transaction,
  snapshots: readonly Snapshot[],
  name: string,
  { type, isNotNull }: TableColumn,
): Promise<boolean> {
  await execute(em, ctx, 'savepoint soft_delete_misfit');
  try {
    const value = valueSql(em, name);
    const [row] = await execute<{ missing: number }>(
      em,
      ctx,
      `select count(cast(${value} as ${type})) as read, (count(*) - count(${value}))::int as missing from ${archiveTable(em)} as a ` +
        `where a."part" = ? and ${AMONG_SNAPSHOTS}`,
      [snapshots[0]!.part, ...amongSnapshots(snapshots)],
    );
    return !(isNotNull && row!.missing > 0);
  } catch (error) {
    if (!isMisfit(error)) {
      throw error;
    }
    return false;
  } finally {
    await execute(em, ctx, 'rollback to savepoint soft_delete_misfit');
  }
}
