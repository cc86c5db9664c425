import { raw } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import {
  ActiveUnique,
  DeletedRowError,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@ActiveUnique({ properties: ['tenant', 'code'] })
@Unique({ properties: ['seal'], where: '"deleted_at" is null and "seal" is not null' })
@Entity()
class Branch extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number', nullable: true })
  tenant?: number | null;

  @Property({ type: 'string', nullable: true, fieldName: 'short_code' })
  code?: string | null;

  /** Written by hand, with a condition of its own. */
  @Property({ type: 'string', nullable: true })
  seal?: string | null;

  /** Unique among deleted rows as well. */
  @Property({ type: 'string', nullable: true, unique: true })
  taxId?: string | null;

  @Property({ type: 'string', default: 'new' })
  name!: string;
}

describe('upsert() and upsertMany()', () => {
  let test: TestOrm;
  const branches = () => new SoftDeleteRepository<any>(test.orm.em.fork(), Branch);
  const names = async () =>
    Object.fromEntries(
      (await test.database.query('select id, name from branch order by id')).map(({ id, name }) => [id, name]),
    );

  beforeAll(async () => {
    test = await createTestOrm([Branch]);
  });

  /** Branch 1 was deleted, branch 2 has its values now, branch 3 has others. */
  beforeEach(() =>
    test.database.query(`truncate branch restart identity;
      insert into branch (tenant, short_code, seal, tax_id, name, deleted_at) values
        (1, 'a', 's', 't1', 'gone', '2020-01-01'), (1, 'a', 's', 't2', 'active', null), (1, 'b', null, 't3', 'other', null)`),
  );

  afterAll(() => test.close());

  it.each([
    ['the values of an index over active rows', { tenant: 1, code: 'a' }, {}],
    ['fields in the order of the index', { tenant: 1, code: 'a', seal: 'z' }, { onConflictFields: ['tenant', 'code'] }],
    ['fields in another order', { tenant: 1, code: 'a' }, { onConflictFields: ['code', 'tenant'] }],
    ['the value of an index with a condition of its own', { seal: 's' }, {}],
    ['its field by name', { seal: 's', tenant: 1, code: 'z' }, { onConflictFields: ['seal'] }],
    ['SQL', { tenant: 1, code: 'a' }, { onConflictFields: raw('(tenant, short_code) where deleted_at is null') }],
    ['the key', { id: 2 }, {}],
    ['the key, with the values of an index over active rows', { id: 2, tenant: 1, code: 'a' }, {}],
    ['a key that is unique among all rows', { taxId: 't2' }, { onConflictFields: ['taxId'] }],
  ] as [string, object, object][])('updates the active row found by %s', async (_how, values, options) => {
    expect(await branches().upsert({ ...values, name: 'new' }, options)).toMatchObject({ id: 2, name: 'new' });
    expect(await names()).toEqual({ 1: 'gone', 2: 'new', 3: 'other' });
    await branches().upsertMany([{ ...values, name: 'newer' }], options);
    expect(await names()).toEqual({ 1: 'gone', 2: 'newer', 3: 'other' });
  });

  it.each([
    ['the key', { id: 2 }, {}],
    ['a value that is unique among all rows', { taxId: 't2' }, { onConflictFields: ['taxId'] }],
  ] as [string, object, object][])('keeps to the condition of the caller beside %s', async (_how, values, options) => {
    await branches().upsert({ ...values, name: 'new' }, { ...options, onConflictWhere: { name: 'something else' } });
    expect(await names()).toEqual({ 1: 'gone', 2: 'active', 3: 'other' });
    await branches().upsert({ ...values, name: 'new' }, { ...options, onConflictWhere: { name: 'active' } });
    expect(await names()).toEqual({ 1: 'gone', 2: 'new', 3: 'other' });
  });

  it.each([
    ['an index over active rows', {}],
    ['SQL', { onConflictFields: raw('(tenant, short_code) where deleted_at is null') }],
  ])('keeps to the condition of the caller beside %s', async (_how, options) => {
    await branches().upsert({ tenant: 1, code: 'a', name: 'new' }, { ...options, onConflictWhere: { name: 'active' } });
    await branches().upsertMany([{ tenant: 1, code: 'b', name: 'new' }], {
      ...options,
      onConflictWhere: { name: 'other' },
    });
    expect(await names()).toEqual({ 1: 'gone', 2: 'new', 3: 'new' });
  });
  it.each([
    ['an index over active rows', { tenant: 1, code: 'a' }, {}],
    ['the key', { id: 2 }, {}],
    ['a value that is unique among all rows', { taxId: 't2' }, { onConflictFields: ['taxId'] }],
  ] as [string, object, object][])(
    'gives the active row that it leaves alone, by %s',
    async (_how, values, options) => {
      for (const name of ['new', 'gone']) {
        const ways = [{ onConflictAction: 'ignore' }, { onConflictWhere: { name: 'something else' } }] as const;
        for (const way of ways) {
          const given = { ...values, name };
          expect(await branches().upsert(given, { ...options, ...way })).toMatchObject({ id: 2, deletedAt: null });
          const many = await branches().upsertMany([given], { ...options, ...way });
          expect(many).toMatchObject([{ id: 2, deletedAt: null }]);
        }
      }
      expect(await names()).toEqual({ 1: 'gone', 2: 'active', 3: 'other' });
    },
  );

  it('writes those of many that it does not leave alone, and gives all in order', async () => {
    await test.database.query(`insert into branch (tenant, short_code, name) values (2, null, 'same')`);
    const many = await branches().upsertMany(
      [
        { tenant: 1, code: 'c', name: 'first' },
        { tenant: 1, code: 'a', name: 'new' },
        { tenant: 2, code: null, name: 'second' },
        { tenant: 1, code: 'b', name: 'new' },
      ],
      { onConflictAction: 'ignore', onConflictFields: ['tenant', 'code'] },
    );
    expect(many.map(({ name }) => name)).toEqual(['first', 'active', 'second', 'other']);
    // The ORM inserts rows in an order of its own, which is another one from 7.2.5 on.
    const stored = await names();
    expect(many.map(({ id }) => stored[id])).toEqual(['first', 'active', 'second', 'other']);
    expect(Object.values(stored).toSorted()).toEqual(['active', 'first', 'gone', 'other', 'same', 'second']);
  });

  it('inserts a row whose values only a deleted one has', async () => {
    await branches().softDelete(2);
    expect(await branches().upsert({ tenant: 1, code: 'a', name: 'new' })).toMatchObject({ id: 4 });
    expect(await names()).toEqual({ 1: 'gone', 2: 'active', 3: 'other', 4: 'new' });
  });

  it.each([
    ['the key', { id: 1, tenant: 7, code: 'x' }, {}],
    ['a value that is unique among all rows', { taxId: 't1', tenant: 7, code: 'x' }, {}],
    ['that value, which is to decide', { taxId: 't1' }, { onConflictFields: ['taxId'] }],
    ['the key, beside SQL', { id: 1, tenant: 7, code: 'x' }, { onConflictFields: raw('(id)') }],
  ] as [string, object, object][])('refuses %s of a deleted row', async (_what, values, options) => {
    await expect(branches().upsert({ ...values, name: 'new' }, options)).rejects.toThrow(DeletedRowError);
    const many = [
      { id: 8, tenant: 8, code: 'y', name: 'new' },
      { ...values, name: 'new' },
    ];
    await expect(branches().upsertMany(many, options)).rejects.toThrow(DeletedRowError);
    expect(await names()).toEqual({ 1: 'gone', 2: 'active', 3: 'other' });
  });
});
