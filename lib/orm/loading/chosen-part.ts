import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Collection,
  type Dictionary,
  type EntityProperty,
  type FilterOptions,
  type FindOptions,
  PopulateHint,
  QueryHelper,
  Utils,
} from '@mikro-orm/core';
import { SOFT_DELETE_FILTER } from '../../metadata/filter-name.js';

/** How a loader chose which rows of a relation a collection holds. */
export interface ChosenPart {
  /** The condition on the members. */
  condition(): Promise<Dictionary> | Dictionary;
  readonly filters: FilterOptions | undefined;
  /** `false` if the condition is in the database's terms already. */
  readonly convertCustomTypes: boolean | undefined;
}

/** A part whose condition cannot be asked again: one that a join, a limit or a query builder has chosen. @internal */
export const UNKNOWN_PART = 'unknown';

type Part = ChosenPart | typeof UNKNOWN_PART;

const parts = new WeakMap<object, Part>();
/** Collections that lack restored rows of which nobody can tell whether they belong to their part. */
const outdated = new WeakSet<object>();

/** The rows that have left a collection that holds a part. */
const departed = new WeakMap<object, WeakSet<object>>();

/** Notes that a row leaves a collection that holds a part. @internal */
export function noteDeparture(collection: object, entity: object): void {
  if (parts.has(collection)) {
    departed.set(collection, (departed.get(collection) ?? new WeakSet()).add(entity));
  }
}

/** Whether a row that is no longer in a collection may go back as it was: it was there, or the collection holds everything. @internal */
export function mayGoBack(collection: object, entity: object): boolean {
  return !parts.has(collection) || departed.get(collection)?.has(entity) === true;
}

/** Puts in rows that are known to belong to a collection, whatever part it holds. Tells neither the rows nor the other side. @internal */
export function putIn(collection: Collection<object>, entities: readonly object[]): void {
  entities.forEach((entity) => Collection.prototype.addWithoutPropagation.call(collection, entity));
}

/** The part of its relation that a collection holds, or `undefined` if it holds the whole of it. @internal */
export function partOf(collection: object): Part | undefined {
  return parts.get(collection);
}

/** Notes what a read has put into a collection. @internal */
export function notePart(collection: object, part: Part | undefined): void {
  outdated.delete(collection);
  departed.delete(collection);
  if (part) {
    parts.set(collection, part);
  } else {
    parts.delete(collection);
  }
}

/** Notes that a collection may lack a restored row, so that the next read fills it anew. @internal */
export function noteOutdated(collection: object): () => void {
  outdated.add(collection);
  return () => outdated.delete(collection);
}

/** Whether a collection may lack restored rows. @internal */
export function isOutdated(collection: object): boolean {
  return outdated.has(collection);
}

/** The part that a condition and filters choose. @internal */
export function chosenBy(where: unknown, filters: FilterOptions | undefined): ChosenPart | undefined {
  const condition = Utils.isPlainObject(where) ? { ...where } : {};
  return Utils.isEmpty(condition) && !hasFilters(filters)
    ? undefined
    : { condition: () => condition, filters, convertCustomTypes: undefined };
}

/** The part that a query for one relation chooses (`populateMany` in `EntityLoader.js`). @internal */
export function chosenByLoader(
  loader: { extractChildCondition(options: any, prop: any): Promise<Dictionary> },
  prop: EntityProperty,
  options: { where?: Dictionary; populateFilter?: Dictionary; filters?: FilterOptions; convertCustomTypes?: boolean },
): Part | undefined {
  const { where = {}, populateFilter, filters, convertCustomTypes } = options;
  if (concerns(populateFilter, prop.name)) {
    return UNKNOWN_PART;
  }
  if (!concerns(where, prop.name) && !hasFilters(filters)) {
    return undefined;
  }
  // Taken at once: the ORM writes into what it loads by.
  const condition = loader.extractChildCondition({ where }, prop);
  return { condition: () => condition, filters, convertCustomTypes };
}

/** What the reads that are running may choose from relations they join, where it is hidden in one query with the rest. */
const joining = new AsyncLocalStorage<((prop: EntityProperty) => boolean) | undefined>();

/** Runs a read that may choose a part of the relations it joins. @internal */
export function whileJoining<Result>(
  em: { config: { get(name: 'populateWhere'): unknown } },
  where: unknown,
  options: FindOptions<any, any> | undefined,
  read: () => Promise<Result>,
): Promise<Result> {
  const hint: unknown = options?.populateWhere ?? em.config.get('populateWhere');
  const chosen = hint === PopulateHint.ALL ? undefined : hint === PopulateHint.INFER ? where : hint;
  const { filters, populateFilter } = (options ?? {}) as { filters?: FilterOptions; populateFilter?: Dictionary };
  // A storage that was ever entered is written on every promise of the process.
  if (!chosen && !populateFilter && !namesOthers(filters) && !joining.getStore()) {
    return read();
  }
  return joining.run(
    (prop) =>
      mentions(chosen, prop.name) ||
      mentions(populateFilter, prop.name) ||
      hasFilters(QueryHelper.mergePropertyFilters(prop.filters, filters)),
    read,
  );
}

/** Runs a query builder of the application, which may join anything. @internal */
export function whileBuilding<Result>(read: () => Result): Result {
  return joining.run(() => true, read);
}

/** The part of a relation that a join has put into a collection. @internal */
export function chosenByJoin(prop: EntityProperty): Part | undefined {
  const chooses = joining.getStore()?.(prop) ?? hasFilters(prop.filters);
  return chooses ? UNKNOWN_PART : undefined;
}

/** Whether anything is said of filters other than the one of soft deletion, which the ORM hands on to each relation it reads. */
function namesOthers(filters: FilterOptions | undefined): boolean {
  return Utils.isPlainObject(filters)
    ? Object.keys(filters).some((name) => name !== SOFT_DELETE_FILTER)
    : Boolean(filters);
}

/** Whether filters other than the one of soft deletion are asked for. */
function hasFilters(filters: FilterOptions | undefined): boolean {
  if (typeof filters !== 'object') {
    return false;
  }
  return Array.isArray(filters)
    ? filters.some((name) => name !== SOFT_DELETE_FILTER)
    : Object.entries(filters).some(([name, value]) => name !== SOFT_DELETE_FILTER && value !== false);
}

/** Whether a condition on the owners says anything about a relation of theirs. */
function concerns(condition: Dictionary | undefined, name: string): boolean {
  return Object.entries(condition ?? {}).some(
    ([key, value]) =>
      (key === name && chooses(value)) ||
      (key.startsWith('$') && Array.isArray(value) && value.some((each) => concerns(each, name))),
  );
}

/** Whether a condition says anything about a relation, at whatever depth. */
function mentions(condition: unknown, name: string): boolean {
  if (Array.isArray(condition)) {
    return condition.some((each) => mentions(each, name));
  }
  return (
    Utils.isPlainObject(condition) &&
    Object.entries(condition).some(([key, value]) => (key === name && chooses(value)) || mentions(value, name))
  );
}

/** Whether a condition on a relation leaves anything out: `Collection.load()` passes on that of its caller, who may have none. */
function chooses(condition: unknown): boolean {
  return condition !== undefined && !(Utils.isPlainObject(condition) && Utils.isEmpty(condition));
}
