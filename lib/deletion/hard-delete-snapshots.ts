import type { EntityMetadata, FilterOptions } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import { askSnapshots, type AskedSnapshots } from '../archive/reading/asked-snapshots.js';
import { refuseMisfits } from '../archive/reading/refuse-misfits.js';
import { findHeldEntities, mayCoverArchived } from '../archive/removal/find-held-entities.js';
import { lockSnapshotsAlong, partsOfSnapshots, removeSnapshots } from '../archive/removal/remove-snapshots.js';
import type { OperationPart } from '../events/operation.js';
import { getInstallation } from '../installation/installation.js';
import { findHoldsBy, type HoldInTheWay } from './refuse-if-held.js';

/** Says which archived rows a physical deletion is asked for; nothing where the entity has none. @internal */
export async function askArchived(
  em: EntityManager,
  meta: EntityMetadata,
  where: AnyCondition,
  options: { filters: FilterOptions | undefined; isPreview?: boolean },
): Promise<AskedSnapshots | undefined> {
  return getInstallation(em).catalog.findArchived(meta) ? askSnapshots(em, meta, where, options) : undefined;
}

/** Archived rows that are about to be removed for good, locked. @internal */
export interface LockedSnapshots {
  readonly parts: readonly OperationPart[];
  /** The holds that may cover some of them: no hold says which archived rows it does. */
  readonly holds: readonly HoldInTheWay[];
  remove(): Promise<void>;
}

/** Locks what is asked for, and what was archived along with it. @internal */
export async function lockArchived(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  asked: AskedSnapshots | undefined,
): Promise<LockedSnapshots> {
  const snapshots = asked
    ? await refuseMisfits(em, meta, asked, 'hardDelete()', () => lockSnapshotsAlong(em, ctx, asked))
    : [];
  const parts = partsOfSnapshots(em, snapshots);
  return {
    parts,
    holds: snapshots.length > 0 ? await findHolds(em, ctx, parts) : [],
    async remove() {
      if (snapshots.length > 0) {
        await removeSnapshots(em, ctx, snapshots);
      }
    },
  };
}

function findHolds(em: EntityManager, ctx: Transaction, parts: readonly OperationPart[]): Promise<HoldInTheWay[]> {
  const { catalog } = getInstallation(em);
  return findHoldsBy(em, ctx, (held) => {
    const reached = findHeldEntities(em, catalog, held.entities());
    const may = parts.filter(({ meta }) => mayCoverArchived(catalog, reached, meta));
    return Object.fromEntries(may.map(({ meta, count }) => [meta.className, count]));
  });
}
