import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import { PhysicalDeletionError, softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { refuseKyselyDeletes } from '../../../lib/orm/refuse-kysely-deletes.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const User = softDeletable(
  defineEntity({ name: 'User', schema: 'app', properties: { id: p.integer().primary(), deletedAt: deletedAt() } }),
);
const Tenant = softDeletable(
  defineEntity({ name: 'Tenant', schema: '*', properties: { id: p.integer().primary(), deletedAt: deletedAt() } }),
);
const Note = softDeletable(defineEntity({ name: 'Note', properties: { id: p.integer().primary() } }), {
  strategy: 'archive',
});
const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary() } });

describe(refuseKyselyDeletes, () => {
  const orm = new MikroORM({
    dbName: 'none',
    entities: [User, Tenant, Note, Plain, ...complianceEntities()],
    extensions: [softDelete()],
  });
  const em = orm.em.fork();
  const db = new Kysely<any>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (kysely) => new PostgresIntrospector(kysely),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    plugins: [refuseKyselyDeletes(em as never, SoftDeleteCatalog.of(em as never)) as never],
  });
  const merge = (then: (merging: any) => any, table = 'user') =>
    then(db.mergeInto(`${table} as t`).using('plain as s', 't.id', 's.id'));

  it.each<[string, { compile(): unknown }, string]>([
    ['a deletion', db.deleteFrom('user'), 'User'],
    ['one with a schema', db.deleteFrom('app.user'), 'User'],
    ['one with an alias', db.deleteFrom('user as u').where('u.id', '=', 1), 'User'],
    ['one of an archived entity', db.deleteFrom('note'), 'Note'],
    ['one in a schema that is asked for', db.deleteFrom('acme.tenant'), 'Tenant'],
    [
      'one in a common table expression',
      db
        .with('gone', (q) => q.deleteFrom('user').returning('id'))
        .selectFrom('gone')
        .selectAll(),
      'User',
    ],
    ['one of several tables', db.deleteFrom(['plain', 'user']), 'User'],
    ['a merge', merge((m) => m.whenMatched().thenDelete()), 'User'],
    ['a merge that does more', merge((m) => m.whenNotMatched().thenDoNothing().whenMatched().thenDelete()), 'User'],
  ])('refuses %s', (_, query, entity) => {
    const compile = () => query.compile();
    expect(compile).toThrow(PhysicalDeletionError);
    expect(compile).toThrow(`A deletion of getKysely() would have removed rows of ${entity} physically`);
  });

  it.each<[string, { compile(): unknown }]>([
    ['a deletion of other rows', db.deleteFrom('plain')],
    ['a deletion in another schema', db.deleteFrom('other.user')],
    ['a deletion that reads marked rows', db.deleteFrom('plain').where('id', 'in', db.selectFrom('user').select('id'))],
    ['a deletion that joins marked rows', db.deleteFrom('plain').using('user').where(sql.ref('user.id'), '=', 1)],
    ['a read', db.selectFrom('user').selectAll()],
    ['a merge that removes nothing', merge((m) => m.whenMatched().thenDoNothing())],
    ['a merge into other rows', merge((m) => m.whenMatched().thenDelete(), 'plain')],
    ['a merge that updates', merge((m) => m.whenMatched().thenUpdateSet({ id: 1 }))],
  ])('lets %s pass', (_, query) => {
    expect(() => query.compile()).not.toThrow();
  });

  it('does not look into values, which are the application’s', () => {
    const looksLikeOne = {
      kind: 'DeleteQueryNode',
      from: { froms: [{ kind: 'TableNode', table: { identifier: { name: 'user' } } }] },
    };
    const circle: Record<string, unknown> = {};
    circle.itself = circle;
    const queries = [
      db.insertInto('plain').values({ id: looksLikeOne }),
      db.selectFrom('plain').selectAll().where('id', '=', looksLikeOne),
      db.selectFrom('plain').selectAll().where('id', 'in', [looksLikeOne, circle]),
      db.updateTable('plain').set({ id: circle }),
    ];
    for (const query of queries) {
      expect(() => query.compile()).not.toThrow();
    }
  });

  it('hands results on as they are', async () => {
    const result = { rows: [{ id: 1 }] };
    const { transformResult } = refuseKyselyDeletes(em as never, SoftDeleteCatalog.of(em as never));
    expect(await transformResult({ result } as never)).toBe(result);
  });
});
