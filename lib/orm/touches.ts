/**
 * What is known of a member: how many parameters the method declares before the first with a default (in any supported version),
 * that there is a value or accessor, or nothing, because the ORM assigns it later or not all supported versions have it.
 *
 * @internal
 */
export type Signature = number | readonly number[] | 'value' | 'later';

/** The classes of MikroORM that are touched. @internal */
export type OrmPart =
  | 'Collection'
  | 'DataloaderUtils'
  | 'Driver'
  | 'EntityFactory'
  | 'EntityHelper'
  | 'EntityLoader'
  | 'EntityManager'
  | 'EventManager'
  | 'MikroORM'
  | 'QueryBuilder'
  | 'Reference'
  | 'WrappedEntity';

/** Members of one class that are touched for one reason. @internal */
export interface Touches {
  readonly part: OrmPart;
  readonly members: Readonly<Record<string, Signature>>;
  /** The version of MikroORM that has them first. */
  readonly since: string;
  readonly why: string;
  /** The public hook that would make it unnecessary. */
  readonly instead: string;
}

/**
 * Every member of MikroORM that this package overrides, wraps, or uses though it is not public. What is missing or changed in the
 * ORM that is installed is found before soft deletion is (`requireTouches()`). A touch that is not listed here fails
 * `test/architecture`, as far as its name tells that it is one.
 *
 * @internal
 */
export const TOUCHES: readonly Touches[] = [
  {
    part: 'EntityManager',
    members: { find: 2, findOne: 2, map: 2, populate: 2 },
    since: '7.0',
    why: 'What a read hands out shows in its loaded relations what the scope of that read shows.',
    instead: 'an event after a read, with what it found and its options',
  },
  {
    part: 'EntityManager',
    members: { shouldRefresh: 3 },
    since: '7.0',
    why: 'The identity map answers for the active scope only.',
    instead: 'a filter option that says by what an entity in memory is judged',
  },
  {
    part: 'EntityManager',
    members: { refresh: 1 },
    since: '7.0',
    why: 'A deleted row is no missing one: every reference to it would forget it (`unsetIdentity` in `UnitOfWork.js`).',
    instead: '`refresh()` that leaves an entity managed when a filter hides its row',
  },
  {
    part: 'EntityManager',
    members: { flush: 0, insert: 2, insertMany: 2, nativeUpdate: 3, transactional: 1 },
    since: '7.0',
    why: 'The ORM names savepoints by their depth, so that what runs in parallel in one transaction takes turns.',
    instead: 'savepoints with names of their own',
  },
  {
    part: 'EntityManager',
    members: { nativeDelete: 2, upsert: 2, upsertMany: 2 },
    since: '7.0',
    why: 'Bulk writes delete softly and write to no deleted row.',
    instead: 'events around bulk writes that may replace them',
  },
  {
    part: 'EntityManager',
    members: { countBy: 2 },
    since: '7.1',
    why: 'It reads through a query builder that applies no filters to relations.',
    instead: 'filters that reach conditions on relations',
  },
  {
    part: 'EntityManager',
    members: { createQueryBuilder: 4 },
    since: '7.0',
    why: 'A query builder deletes no soft-deletable rows.',
    instead: 'an event before a query builder executes',
  },
  {
    part: 'EntityManager',
    members: { tryCache: [5, 6], clearCache: 1 },
    since: '7.0',
    why: 'A cached result belongs to the scope it was read under. From 7.2.2 on, `tryCache()` takes a schema as well.',
    instead: 'an option that adds to the key of the result cache',
  },
  {
    part: 'EntityManager',
    members: { getDataLoader: 1 },
    since: '7.0',
    why: 'A batch of a dataloader runs in the scope of whoever asked first.',
    instead: 'an option that adds to the key of a dataloader',
  },
  {
    part: 'EntityManager',
    members: { applyFilters: 5, tryFlush: 2 },
    since: '7.0',
    why: 'A condition selects what is deleted or restored as a read would, within the filters of the application. What a read asks is not nested in the condition of the filter.',
    instead: 'a public method that applies filters to a condition for a kind of operation',
  },
  {
    part: 'QueryBuilder',
    members: { applyJoinedFilters: 2 },
    since: '7.0',
    why: 'The same for the relations that the condition goes through.',
    instead: 'a public method that applies filters to a condition for a kind of operation',
  },
  {
    part: 'EntityManager',
    members: { getTransactionSessionContext: 'later' },
    since: '7.2',
    why: 'Transactions of this package carry the settings of row level security. Before 7.2 there are none.',
    instead: 'a public `em.begin()` that nests without changing the entity manager',
  },
  {
    part: 'EntityManager',
    members: { getContext: 0, getEntityFactory: 0, getEntityLoader: 0, getEventManager: 0 },
    since: '7.0',
    why: 'They lead to the parts of an entity manager that are wrapped below.',
    instead: 'the hooks named there',
  },
  {
    part: 'DataloaderUtils',
    members: {
      getDataLoader: 0,
      getRefBatchLoadFn: 1,
      getColBatchLoadFn: 1,
      getManyToManyColBatchLoadFn: 1,
      getCountBatchLoadFn: 1,
    },
    since: '7.0',
    why: 'Each scope has dataloaders of its own.',
    instead: 'an option that adds to the key of a dataloader',
  },
  {
    part: 'EntityLoader',
    members: { extractChildCondition: 2, filterByReferences: 4, filterCollections: 4, findChildren: 5 },
    since: '7.0',
    why: 'Relations that were loaded under one scope are read again under another.',
    instead: 'a filter option that says when a loaded relation has to be read again',
  },
  {
    part: 'EntityFactory',
    members: { create: 2, hydrate: 4, mergeData: 3 },
    since: '7.0',
    why: 'Entities learn, as they come into memory, of their scoped collections, of deleted and of restored rows.',
    instead: 'an event before and after a row is merged (`onLoad` comes too late, and without the row)',
  },
  {
    part: 'EntityHelper',
    members: { ensurePropagation: 1 },
    since: '7.0',
    why: 'The prototype of a class belongs to the ORM that was initialised last over it.',
    instead: 'metadata that is kept per ORM',
  },
  {
    part: 'WrappedEntity',
    members: {
      hydrator: 'value',
      __data: 'value',
      __em: 'later',
      __identifier: 'later',
      __initialized: 'value',
      __loadedProperties: 'value',
      __managed: 'later',
      __meta: 'value',
      __originalEntityData: 'later',
      __processing: 'value',
      __schema: 'later',
    },
    since: '7.0',
    why: 'Memory is told what statements have written, without making entities look changed.',
    instead: 'a way to merge values into a managed entity as if they had been loaded, and to take them back',
  },
  {
    part: 'Reference',
    members: { property: 'later' },
    since: '7.0',
    why: '`Reference.load()` applies the filters of a relation only if the reference was told which one it is.',
    instead: 'references that always know their relation',
  },
  {
    part: 'Collection',
    members: { load: 0, init: 0, loadCount: 0, matching: 1 },
    since: '7.0',
    why: 'A collection that was loaded under one scope is read again under another.',
    instead: 'a filter option that says when a loaded relation has to be read again',
  },
  {
    part: 'Collection',
    members: {
      addWithoutPropagation: 1,
      getSnapshot: 0,
      hydrate: 4,
      isPartial: 0,
      property: 'value',
      removeWithoutPropagation: 1,
      setDirty: 0,
      takeSnapshot: 1,
    },
    since: '7.0',
    why: 'Deleted members leave loaded collections, and restored ones join them, without a change to be written.',
    instead: 'a way to change the loaded items of a collection that the next flush does not write',
  },
  {
    part: 'QueryBuilder',
    members: { em: 'later', getResultList: 1, stream: 1 },
    since: '7.0',
    why: 'What a query builder hands out shows in its loaded relations what the scope of the query shows.',
    instead: 'an event after a read, with what it found and its options',
  },
  {
    part: 'QueryBuilder',
    members: { cache: 0, clone: 2, getCount: 2, getNativeQuery: 0, join: 2, processPopulateHint: 0 },
    since: '7.0',
    why: 'Deleted rows are members of no relation that a condition goes through.',
    instead: 'filters that reach conditions on relations, and `$some`, `$none`, `$every` and `$size`',
  },
  {
    part: 'QueryBuilder',
    members: { nestReferencedJoins: 1 },
    since: '7.1.10',
    why: 'The condition of a join may be on a table that is joined later: that of the root of a table-per-type hierarchy.',
    instead: 'filters that reach conditions on relations',
  },
  {
    part: 'QueryBuilder',
    members: {
      context: 'later',
      driver: 'later',
      mainAlias: 'value',
      metadata: 'later',
      platform: 'later',
      setFlag: 1,
      state: 'value',
      type: 'value',
    },
    since: '7.0',
    why: 'They tell which joins a query has and what it does.',
    instead: 'filters that reach conditions on relations',
  },
  {
    part: 'Driver',
    members: { count: 2, createQueryBuilder: 7, find: 2, nativeUpdate: 3, stream: 3 },
    since: '7.0',
    why: 'What the driver reads, it reads through query builders that it makes itself.',
    instead: 'an option for the class of query builders',
  },
  {
    part: 'Driver',
    members: { nativeDelete: 2, syncCollections: 2 },
    since: '7.0',
    why: 'They are the last before a flush removes rows and before it commits (`persistToDatabase` in `UnitOfWork.js`).',
    instead: 'an event at the end of a flush, before its commit',
  },
  {
    part: 'Driver',
    members: { createEntityManager: 1, getMetadata: 0 },
    since: '7.0',
    why: 'An extension is called before discovery, and installs when the metadata is complete and no entity manager exists.',
    instead: 'a second call of extensions after discovery',
  },
  {
    part: 'EventManager',
    members: { dispatchEvent: 3, registerSubscriber: 1 },
    since: '7.0',
    why: 'A flush is planned after all listeners of `beforeFlush`, and looked through after those of `onFlush`.',
    instead: 'an order of subscribers',
  },
  {
    part: 'MikroORM',
    members: { discoverEntity: 2 },
    since: '7.0',
    why: 'Entities that concern soft deletion must be known when it is installed.',
    instead: 'an event for entities that are discovered later',
  },
];
