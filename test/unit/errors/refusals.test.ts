import { defineEntity, MikroORM, p, Type } from '@mikro-orm/postgresql';
import {
  DeletedScope,
  installSoftDelete,
  registerHook,
  runInScope,
  softDeletable,
  SoftDeletableEntity,
  softDelete,
  SoftDeleteModule,
  type SoftDeleteRepository,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, DeletionReason, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { refuseEndlessHooks } from '../../../lib/deletion/hooks/refuse-endless-hooks.js';
import { noTransaction } from '../../../lib/flush/no-transaction.js';
import { contextOf, requireContext } from '../../../lib/installation/context-of.js';
import { describeArchived } from '../../../lib/metadata/archived-entity.js';
import { SOFT_DELETE_FILTER } from '../../../lib/metadata/filter-name.js';
import { SoftDeleteContexts } from '../../../lib/nest/soft-delete.contexts.js';
import { combineModuleOptions } from '../../../lib/options/combine-module-options.js';
import { requireMarkOptions } from '../../../lib/options/require-mark-options.js';
import { requireType } from '../../../lib/options/require-type.js';
import { execute } from '../../../lib/sql/transaction.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Customer = softDeletable(
  defineEntity({ name: 'Customer', properties: { id: p.integer().primary(), deletedAt: deletedAt() } }),
);
const Note = softDeletable(defineEntity({ name: 'Note', properties: { id: p.integer().primary() } }), {
  strategy: 'archive',
});
const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary() } });

/** Read in SQL. */
class SqlMoment extends Type<Date, string> {
  override getColumnType() {
    return 'timestamptz';
  }
  override convertToJSValueSQL(key: string) {
    return `(${key} + interval '1 hour')`;
  }
}
class Day extends Type<Date, string> {
  override getColumnType() {
    return 'date';
  }
}

describe('A refusal', () => {
  const orm = new MikroORM({
    dbName: 'none',
    entities: [Customer, Note, Plain, ...complianceEntities()],
    extensions: [softDelete()],
  });
  const repositoryOf = (entity: unknown) =>
    orm.em.fork().getRepository(entity as never) as unknown as SoftDeleteRepository<any>;
  const notes = () => repositoryOf(Note).onlyDeleted() as any;
  const ormOf = (...entities: any[]) => new MikroORM({ dbName: 'none', entities, extensions: [softDelete()] });
  const marked = (property: any, options: object = {}, more: object = {}) =>
    ormOf(
      softDeletable(
        defineEntity({
          name: 'User',
          properties: { id: p.integer().primary(), deletedAt: property },
          ...more,
        } as never) as never,
        options as never,
      ),
    );
  const flush = (supportsTransactions: boolean) =>
    noTransaction({ getPlatform: () => ({ supportsTransactions: () => supportsTransactions }) } as never);
  const asking = { actor: () => undefined, requiresReason: true };
  const throwing = (error: object) =>
    execute(
      { getDriver: () => ({ execute: () => Promise.reject(error) }), getLoggerContext: () => ({}) } as never,
      {} as never,
      'update',
    );

  it.each<[string, () => unknown, string]>([
    [
      'a flush outside of a transaction',
      () => {
        throw flush(true);
      },
      'implicitTransactions: a flush without a transaction cannot delete a unit as a whole. Leave `implicitTransactions` on, or wrap the work in em.transactional().',
    ],
    [
      'a flush without transactions',
      () => {
        throw flush(false);
      },
      'disableTransactions: a flush without a transaction cannot delete a unit as a whole. Leave `disableTransactions` off, or delete with softDelete() of the repository, which begins its own transaction.',
    ],
    [
      'a scope that is none',
      () => runInScope(orm.em, 'all' as never, () => 1),
      `runInScope(scope): "all" is not a scope. Write 'active', 'with' or 'only'.`,
    ],
    [
      'a view of no scope',
      () => repositoryOf(Customer).scope(7 as never),
      "scope(): 7 is not a scope. Write 'active', 'with' or 'only'.",
    ],
    [
      'an actor that is no text',
      () => contextOf({ actor: () => true as never }),
      'actor(): it returned true, which is no name of anybody. Return text, or undefined, at once: it is not awaited.',
    ],
    [
      'an actor that PostgreSQL cannot store',
      () => contextOf({ actor: () => 'a\0' }),
      'actor(): it returned "a\\u0000", which is no name of anybody. Return text, or undefined, at once: it is not awaited.',
    ],
    [
      'an operation without a reason',
      () => requireContext(asking, 'softDelete()'),
      "softDelete() was refused: it has no reason, and log.reason is 'required'. Pass { reason: '…' }, or call it inside of withDeletionContext({ reason: '…' }, …).",
    ],
    [
      'a flush without a reason',
      () => requireContext(asking, 'The deletion by a flush'),
      "The deletion by a flush was refused: it has no reason, and log.reason is 'required'. Call em.flush() inside of withDeletionContext({ reason: '…' }, …), or use @DeletionReason() on the route.",
    ],
    [
      'a hook on something else',
      () => registerHook(orm as never, 'update' as never, Customer, async () => undefined),
      `registerHook(): "update" is not an operation. Write 'delete' or 'restore'.`,
    ],
    [
      'a hook that is no function',
      () => registerHook(orm as never, 'delete', Customer, 'log' as never),
      'registerHook(): the handler is not a function. Pass a function.',
    ],
    [
      'a filter of the same name',
      () =>
        new MikroORM({
          dbName: 'none',
          entities: [Customer],
          extensions: [softDelete()],
          filters: { [SOFT_DELETE_FILTER]: { name: SOFT_DELETE_FILTER, cond: {} } },
        }),
      `filters.${SOFT_DELETE_FILTER}: the MikroORM configuration has a filter of this name, which this package registers itself. Rename or remove it.`,
    ],
    [
      'an archived entity with a timestamp of ours',
      () =>
        describeArchived({ className: 'Memo', class: class Memo extends SoftDeletableEntity {} } as never, {
          strategy: 'archive',
        }),
      "@SoftDeletable() on Memo, strategy: it extends SoftDeletableEntity, but with 'archive' deleted rows leave the table: nothing would write the timestamp. Let it extend nothing, or leave out `strategy: 'archive'`.",
    ],
    [
      'a timestamp that is read through SQL',
      () => marked(p.type(SqlMoment as never).nullable()),
      '@SoftDeletable() on User: the property "deletedAt" has the custom type SqlMoment, which reads it through SQL, so no index over active rows can be created. Convert in `convertToJSValue()` only.',
    ],
    [
      'a custom type of another column',
      () => marked(p.type(Day as never).nullable()),
      '@SoftDeletable() on User: the property "deletedAt" is a column of type date, given by the custom type Day, not a timestamp. Use `type: \'timestamptz\'`, or a custom type whose `getColumnType()` gives timestamptz and which converts that.',
    ],
    [
      'a timestamp without microseconds',
      () => marked(p.datetime().columnType('timestamptz(3)').nullable()),
      '@SoftDeletable() on User: the property "deletedAt" is a column of type timestamptz(3), too coarse to tell one deletion from the next. Declare it without a `length`: the microseconds identify a unit.',
    ],
    [
      'a guard on partitions',
      () => marked(deletedAt(), { guard: true }, { partitionBy: { type: 'hash', expression: 'id', partitions: 2 } }),
      '@SoftDeletable() on User, guard: the table of User is partitioned. PostgreSQL moves a row to another partition by a delete and an insert, which the guard would refuse. Leave out `guard`.',
    ],
    ...[{}, { strategy: 'archive' as const }].map((options): [string, () => unknown, string] => [
      `a marked view ${JSON.stringify(options)}`,
      () => {
        const Recent = defineEntity({
          name: 'Recent',
          view: true,
          expression: 'select * from customer',
          properties: { id: p.integer().primary(), deletedAt: deletedAt() },
        });
        return ormOf(softDeletable(Recent, options));
      },
      '@SoftDeletable() on Recent: the class is a view or a query, of which no row can be deleted. Mark the entity whose table it reads, and show its active rows with activeView().',
    ]),
    [
      'personal data of a view',
      () => {
        const Recent = defineEntity({
          name: 'Recent',
          view: true,
          expression: 'select * from customer',
          properties: { id: p.integer().primary(), name: p.text() },
        });
        return ormOf(personalData(Recent, { subject: true, fields: { name: null } }));
      },
      'personalData() on Recent: the class is a view or a query, of which nothing can be erased. Declare the entity whose table it reads.',
    ],
    [
      'a marked pivot entity',
      () => {
        const Membership = softDeletable(
          defineEntity({
            name: 'Membership',
            properties: {
              user: () => p.manyToOne(User).primary(),
              group: () => p.manyToOne(Group).primary(),
              deletedAt: deletedAt(),
            },
          }),
        );
        const Group = defineEntity({ name: 'Group', properties: { id: p.integer().primary() } });
        const User = defineEntity({
          name: 'User',
          properties: {
            id: p.integer().primary(),
            groups: () => p.manyToMany(Group).pivotEntity(() => Membership as never),
          },
        });
        return ormOf(User, Group, Membership);
      },
      '@SoftDeletable() on Membership: the class is the pivot entity of a many-to-many relation, whose rows the ORM writes and removes by itself. Model the relation as two one-to-many relations to it, or leave it unmarked.',
    ],
    [
      'a module for an ORM that has one',
      () => {
        const contexts = new SoftDeleteContexts();
        contexts.add(undefined, orm as never, {} as never);
        contexts.add(undefined, orm as never, {} as never);
      },
      'SoftDeleteModule.forRoot(): it is imported twice for the same ORM. Import it once, in the root module: it is global. For a second ORM, name it with `contextName`.',
    ],
    [
      'a module for a named ORM that has one',
      () => {
        const contexts = new SoftDeleteContexts();
        contexts.add('crm', orm as never, {} as never);
        contexts.add('crm', orm as never, {} as never);
      },
      'SoftDeleteModule.forRoot(): it is imported twice for the ORM "crm". Import it once, in the root module: it is global. For a second ORM, name it with `contextName`.',
    ],
    [
      'entities outside of a list',
      () => SoftDeleteModule.forFeature(Customer as never),
      'SoftDeleteModule.forFeature(): the entities are not a list. Write forFeature([User, Post]).',
    ],
    [
      'a class that is not there yet',
      () => SoftDeleteModule.forFeature([Customer, undefined as never]),
      'SoftDeleteModule.forFeature(): item 1 is undefined, not an entity. Write the class or the schema. An undefined item usually comes from a circular import: import one of the files by its own path.',
    ],
    [
      'a context without a name',
      () => SoftDeleteModule.forFeature([Customer], ''),
      'SoftDeleteModule.forFeature(), contextName: "" is not text. Write text that is not empty, or leave it out.',
    ],
    [
      'options that contradict each other',
      () => combineModuleOptions({ purge: { retention: '30d' } }, { purge: { retention: '60d' } }),
      'purge.retention: SoftDeleteModule says "60d", and softDelete() in the MikroORM configuration says "30d". Set it in one of the two. The command line reads only the MikroORM configuration.',
    ],
    [
      'columns that have exchanged their names',
      () =>
        requireMarkOptions('@SoftDeletable() on Note', {
          strategy: 'archive',
          archive: { renamed: { a: 'b', b: 'a' } },
        }),
      '@SoftDeletable() on Note, archive.renamed: a → b → a leads back to where it began: nobody could tell rows from before and after. Leave out a name that the column has again today. Restore or remove the archived rows before columns exchange their names.',
    ],
    [
      'a text that PostgreSQL cannot store',
      () => requireType('reason', 'a\0', 'string'),
      'reason: "a\\u0000" has a NUL character in it, which PostgreSQL cannot store. Take it out.',
    ],
    [
      'a rule on a table',
      () => throwing({ code: '0A000', file: 'rewriteHandler.c', message: 'cannot perform UPDATE RETURNING' }),
      'The table: PostgreSQL says: cannot perform UPDATE RETURNING. Turn rules on UPDATE and DELETE of soft-deletable tables into triggers.',
    ],
    [
      'a query parameter without a name',
      () => WithDeleted({ query: '' }),
      '@WithDeleted(), query: "" is not text. Write text that is not empty, or leave it out.',
    ],
    [
      'an argument without a name',
      () => WithDeleted({ arg: '' }),
      '@WithDeleted(), arg: "" is not text. Write text that is not empty, or leave it out.',
    ],
    [
      'an ORM without a name',
      () => WithDeleted({ contextName: '' }),
      '@WithDeleted(), contextName: "" is not text. Write text that is not empty, or leave it out.',
    ],
    [
      'an option that there is not',
      () => WithDeleted({ param: 'x' } as never),
      '@WithDeleted(), param: there is no such option (given: "x"). The options are: query, arg, contextName.',
    ],
    [
      'a scope from a query parameter without a name',
      () => DeletedScope({ query: ' ' }),
      '@DeletedScope(), query: " " is not text. Write text that is not empty, or leave it out.',
    ],
    [
      'a scope from an argument without a name',
      () => DeletedScope({ arg: ' ' }),
      '@DeletedScope(), arg: " " is not text. Write text that is not empty, or leave it out.',
    ],
    [
      'a scope from nowhere',
      () => DeletedScope({}),
      "@DeletedScope(): it names neither a query parameter nor an argument that could contain the scope. Write @DeletedScope('deleted') for a query parameter, or @DeletedScope({ arg: 'deleted' }) for an argument.",
    ],
    [
      'a scope by another option',
      () => DeletedScope({ param: 'x' } as never),
      '@DeletedScope(), param: there is no such option (given: "x"). The options are: query, arg.',
    ],
    [
      'a header without a name',
      () => DeletionReason({ header: '' }),
      '@DeletionReason(), header: "" is not text. Write text that is not empty, or leave it out.',
    ],
    [
      'a header by another option',
      () => DeletionReason({ param: 'x' } as never),
      '@DeletionReason(), param: there is no such option (given: "x"). The options are: header.',
    ],
    [
      'a view of archived rows among others',
      () => repositoryOf(Note).withDeleted(),
      "withDeleted(), or scope('with'), cannot read deleted rows of Note, which are in deletion_archive and not in their table. Read them with onlyDeleted().find(), findOne() or count(), or restore them first.",
    ],
    [
      'an option of a read of archived rows',
      () => notes().find({}, { populate: [] }),
      'onlyDeleted().find() of archived Note, populate: there is no such option (given: []). The options are: orderBy, limit, offset, filters.',
    ],
    [
      'an option of a count of archived rows',
      () => notes().count({}, { having: {} }),
      'onlyDeleted().count() of archived Note, having: there is no such option (given: {}). The options are: orderBy, limit, offset, filters.',
    ],
    [
      'a condition on archived rows that is undefined',
      () => notes().find({ id: undefined }),
      "onlyDeleted(): the condition's id is undefined. Pass a primary key, an entity, a list of either, or a condition; {} means every row.",
    ],
  ])('of %s says what to do', async (_, run, message) => {
    const refused = (async () => run())();
    await expect(refused).rejects.toMatchObject({ message, code: expect.any(String) });
  });

  it.each(['findByCursor', 'countBy', 'stream', 'populate', 'createQueryBuilder', 'qb'])(
    'of %s() of archived rows names it',
    (method) => {
      expect(() => notes()[method]({})).toThrow(
        `onlyDeleted().${method}() cannot read deleted rows of Note, which are in deletion_archive and not in their table.`,
      );
    },
  );

  it.each([
    { code: '0A000', file: 'parse_relation.c', message: 'other' },
    { code: '23505', file: 'rewriteHandler.c', message: 'other' },
  ])('of PostgreSQL is passed on as it is: %j', async (error) => {
    await expect(throwing(error)).rejects.toBe(error);
  });

  it('of a rule has the cause', async () => {
    const cause = { code: '0A000', file: 'rewriteHandler.c', message: 'no' };
    await expect(throwing(cause)).rejects.toMatchObject({ cause });
  });

  it('of a second installation leaves the first one alone', () => {
    expect(() => installSoftDelete(orm as never)).not.toThrow();
  });

  it('ends handlers that call each other', async () => {
    let calls = 0;
    const call = (): Promise<void> => {
      calls++;
      return refuseEndlessHooks(calls % 2 ? 'a' : 'b', call);
    };
    await expect(call()).rejects.toMatchObject({
      code: 'SOFT_DELETE_CONFIG',
      message: expect.stringMatching(
        /^[ab]: \d+ handlers have called each other: a → b → a → b → …\. Have one of them leave rows alone that the other has changed\.$/,
      ),
    });
    expect(calls).toBeGreaterThan(4);
    let later = 0;
    for (; later < 2 * calls; later++) {
      await refuseEndlessHooks('c', async () => undefined);
    }
    expect(later).toBe(2 * calls);
  });
});
