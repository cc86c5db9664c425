import { isRaw, type RawQueryFragment, Utils } from '@mikro-orm/core';
import { type EntityManager, raw } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import { activePredicate } from '../metadata/active-predicate.js';
import type { SoftDeletableEntityMetadata } from '../metadata/soft-delete-catalog.js';
import { findActiveUniques } from '../schema/find-active-uniques.js';

interface ConflictOptions {
  onConflictFields?: unknown;
  onConflictWhere?: AnyCondition;
}

/** Where an upsert looks for the row that it would update. @internal */
export interface UpsertTarget {
  readonly options: { onConflictFields?: RawQueryFragment | string[]; onConflictWhere?: AnyCondition };
  /** The properties of the index over active rows that was chosen, if it holds all of these: what others hold, SQL alone knows. */
  readonly unique?: readonly string[];
  /** Keys that deleted rows have as well: one that holds the values of such a key must not be written to. */
  readonly alsoDeleted: readonly (readonly string[])[];
}

/**
 * Chooses the unique index that an upsert resolves conflicts by. An index over active rows is named to PostgreSQL with its
 * predicate, without which it is not considered; by any other key a deleted row may be found, which is passed over.
 *
 * @see https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
 * @internal
 */
export function upsertTarget(
  em: EntityManager,
  entry: SoftDeletableEntityMetadata,
  data: Readonly<Record<string, unknown>>,
  { onConflictFields, onConflictWhere }: ConflictOptions,
): UpsertTarget {
  const { meta } = entry;
  const where = activePredicate(entry.property);
  // Flat, because the ORM takes every key of this condition for a column (`processOnConflictCondition` in `QueryBuilderHelper.js`).
  const whileActive = { ...(onConflictWhere as object | undefined), ...(where as object) } as AnyCondition;
  if (isRaw(onConflictFields)) {
    return {
      options: { onConflictFields, ...(onConflictWhere ? { onConflictWhere } : {}) },
      alsoDeleted: fullKeys(entry),
    };
  }
  const named = onConflictFields === undefined ? undefined : Utils.asArray(onConflictFields as string[]);
  const isGiven = (property: string) => data[property] != null;
  const unique = findActiveUniques(entry, em.getPlatform()).find(({ properties }) =>
    named ? sameMembers(properties, named) : !meta.primaryKeys.every(isGiven) && properties.every(isGiven),
  );
  if (unique) {
    const columns = unique.columns.map((column) => em.getPlatform().quoteIdentifier(column)).join(', ');
    const predicate =
      typeof unique.where === 'string'
        ? unique.where
        : em.getDriver().renderPartialIndexWhere(meta.class, unique.where as AnyCondition);
    return {
      options: {
        // To the ORM a question mark is a place for a parameter, in operators and texts too.
        onConflictFields: raw(`(${columns}) where ${predicate}`.replaceAll('?', String.raw`\?`)),
        ...(onConflictWhere ? { onConflictWhere } : {}),
      },
      ...(unique.allActiveRows ? { unique: unique.properties } : {}),
      alsoDeleted: fullKeys(entry),
    };
  }
  return {
    options: { ...(named ? { onConflictFields: named } : {}), onConflictWhere: whileActive },
    alsoDeleted: fullKeys(entry),
  };
}

const checked = new WeakSet<object>();

/** Notes that an upsert with these options has been seen to, so that the entity manager only carries it out. @internal */
export function check<Options extends object>(options: Options): Options {
  checked.add(options);
  return options;
}

/** @internal */
export function isChecked(options: object): boolean {
  return checked.has(options);
}

/** The primary key and the unique keys that hold for deleted rows as well. */
function fullKeys({ meta }: SoftDeletableEntityMetadata): string[][] {
  return [
    meta.primaryKeys,
    ...meta.props.filter(({ unique, primary }) => unique && !primary).map(({ name }) => [name]),
    ...meta.uniques.filter(({ where }) => !where).map(({ properties }) => Utils.asArray(properties as string[])),
  ];
}

function sameMembers(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item) => right.includes(item));
}
