import { helper, QueryHelper } from '@mikro-orm/core';
import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { type ChosenPart, noteOutdated, partOf, UNKNOWN_PART } from '../orm/loading/chosen-part.js';
import type { Undo } from './managed-entities.js';

/** Composite keys make conditions as deep as they are many, so they are asked for in smaller portions. */
const ASKED_AT_ONCE = 500;

/** An owner with a row that joins its relation. @internal */
export type Joining = readonly [owner: object, entity: object];

/**
 * Leaves out the rows that do not belong to the part of the relation that a collection holds. The database is asked by the condition
 * that chose the part. Where that cannot be asked again, the collection gains nothing and the next read fills it anew.
 *
 * @internal
 */
export async function keepToPart(
  em: EntityManager,
  ctx: Transaction,
  relation: string,
  target: EntityMetadata,
  pairs: readonly Joining[],
): Promise<{ pairs: readonly Joining[]; undo: Undo }> {
  const undo: Undo[] = [];
  const kept: Joining[] = [];
  const byPart = Map.groupBy(pairs, ([owner]) => partOf((owner as Record<string, object>)[relation]!));
  for (const [part, joining] of byPart) {
    if (!part) {
      kept.push(...joining);
    } else if (part === UNKNOWN_PART) {
      joining.forEach(([owner]) => undo.push(noteOutdated((owner as Record<string, object>)[relation]!)));
    } else {
      const members = await membersOf(em, ctx, target, part, [...new Set(joining.map(([, entity]) => entity))]);
      kept.push(...joining.filter(([, entity]) => members.has(helper(entity).getSerializedPrimaryKey())));
    }
  }
  return { pairs: kept, undo: () => undo.forEach((step) => step()) };
}

/** The keys of those of the entities that a part's condition finds. */
async function membersOf(
  em: EntityManager,
  ctx: Transaction,
  target: EntityMetadata,
  part: ChosenPart,
  entities: readonly object[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const { filters, convertCustomTypes } = part;
  const condition = await part.condition();
  for (let i = 0; i < entities.length; i += ASKED_AT_ONCE) {
    const keys = QueryHelper.processWhere<object>({
      where: { $or: entities.slice(i, i + ASKED_AT_ONCE).map((entity) => keyOf(target, entity)) } as never,
      entityName: target.class,
      metadata: em.getMetadata(),
      platform: em.getPlatform(),
      convertCustomTypes: convertCustomTypes === false,
    });
    const members = await em.find<object>(
      target.class,
      { $and: [condition, keys] } as never,
      {
        ctx,
        filters,
        convertCustomTypes,
        flushMode: 'commit',
        disableIdentityMap: true,
        cache: false,
      } as never,
    );
    members.forEach((member) => found.add(helper(member).getSerializedPrimaryKey()));
  }
  return found;
}

function keyOf(target: EntityMetadata, entity: object): object {
  const { __data: data } = helper(entity);
  return Object.fromEntries(
    target.primaryKeys.map((name) => [name, (entity as Record<string, unknown>)[name] ?? data[name]]),
  );
}
