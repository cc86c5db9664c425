import { Collection, PrimaryKeyProp, type Rel, Type, types } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** `usr_12` in the application, 12 in the database; anything else is refused, as such types do. */
class PrefixedId extends Type<string, number> {
  override convertToDatabaseValue(value: unknown): number {
    if (typeof value !== 'string' || !value.startsWith('usr_')) {
      throw new Error(`no prefixed id: ${String(value)}`);
    }
    return Number(value.slice(4));
  }

  override convertToJSValue(value: unknown): string {
    return typeof value === 'string' && value.startsWith('usr_') ? value : `usr_${String(value)}`;
  }

  override getColumnType(): string {
    return 'int';
  }

  override compareAsType(): string {
    return 'number';
  }
}

/** One family of entities per type of key: a row with rows behind it, one of which is one-to-one. */
function family(name: string, column: object, value: (n: number) => unknown) {
  @SoftDeletable<any>({ relations: { children: 'cascade', badge: 'cascade' } })
  @Entity({ tableName: `${name}_root`, repository: () => SoftDeleteRepository })
  class Root extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;

    @Property({ type: 'string', nullable: true })
    label?: string | null;

    @OneToMany(() => Child, (child: Child) => child.root)
    children = new Collection<Child>(this);

    @OneToOne(() => Badge, (badge: Badge) => badge.root)
    badge?: any;
  }

  @SoftDeletable()
  @Entity({ tableName: `${name}_child`, repository: () => SoftDeleteRepository })
  class Child extends SoftDeletableEntity {
    [PrimaryKeyProp]?: ['root', 'part'];

    @ManyToOne(() => Root, { primary: true })
    root!: Rel<Root>;

    @PrimaryKey({ type: 'string' })
    part!: string;
  }

  @SoftDeletable()
  @Entity({ tableName: `${name}_badge`, repository: () => SoftDeleteRepository })
  class Badge extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;

    @OneToOne(() => Root, (root: Root) => root.badge, { owner: true, unique: false, nullable: true })
    root?: any;
  }

  return { name, Root: Root as any, Child: Child as any, Badge: Badge as any, value };
}

const FAMILIES = [
  family('prefixed', { type: PrefixedId }, (n) => `usr_${n}`),
  family('bytes', { type: types.blob }, (n) => Buffer.from([0, n, 0x5c, 0x22])),
  family('numeric', { type: types.decimal, precision: 10, scale: 2 }, (n) => `${n}.50`),
  family('padded', { type: 'string', columnType: 'char(6)' }, (n) => `k${n}    `),
  family('uuid', { type: 'uuid' }, (n) => `a0eebc99-9c0b-4ef8-bb6d-6bb9bd38000${n}`),
  family('big', { type: types.bigint }, (n) => 9_007_199_254_740_992n + BigInt(n)),
  family('day', { type: 'date' }, (n) => `2026-01-0${n}`),
  family('moment', { type: 'datetime', length: 3 }, (n) => new Date(`2026-01-0${n}T00:00:00.123Z`)),
  family('text', { type: 'text' }, (n) => `~~~"\\,{}' ?${n}`),
];

describe('keys of many types', () => {
  describe.each(FAMILIES)('$name', ({ name, Root, Child, Badge, value }) => {
    let test: TestOrm;
    let em: any;
    let repo: any;

    beforeAll(async () => {
      test = await createTestOrm([Root, Child, Badge]);
      await test.database.query(`create unique index ${name}_label on ${name}_root (label) where deleted_at is null`);
    });
    afterAll(() => test.close());

    const deleted = async (table: string) =>
      (await test.database.query(`select deleted_at is not null as deleted from ${name}_${table} order by ctid`)).map(
        (row) => row.deleted as boolean,
      );
    const count = async (table: string) =>
      Number(
        (await test.database.query(`select count(*) from ${name}_${table} where deleted_at is not null`))[0].count,
      );

    beforeEach(async () => {
      await test.database.query(`delete from ${name}_badge; delete from ${name}_child; delete from ${name}_root`);
      const setup: any = test.orm.em.fork();
      for (const n of [1, 2, 3]) {
        const root = setup.create(Root, { id: value(n), label: `label ${n}` });
        setup.create(Child, { root, part: 'a' });
        setup.create(Child, { root, part: 'b' });
        setup.create(Badge, { id: value(n), root });
      }
      await setup.flush();
      em = test.orm.em.fork();
      repo = em.getRepository(Root);
    });

    // MikroORM itself has two entities for one row whose key is a Date, once another row references it.
    const whereReferencesWork = name === 'moment' ? () => undefined : it;

    whereReferencesWork(
      'tells loaded entities, collections and references of a deletion, its restoration and a rollback',
      async () => {
        const root: any = await em.findOneOrFail(Root, value(1), { populate: ['children', 'badge'] });
        const badge = root.badge;
        expect(root.children).toHaveLength(2);

        await repo.softDelete(value(1));
        expect(root.deletedAt).toBeInstanceOf(Date);
        expect(root.children.getItems().map((child: any) => child.deletedAt)).toEqual([]);
        expect([await count('root'), await count('child'), await count('badge')]).toEqual([1, 2, 1]);
        expect(badge.deletedAt).toBeInstanceOf(Date);

        expect(await repo.restore(root)).toMatchObject({ total: 4 });
        expect(root.deletedAt).toBeNull();
        expect(badge.deletedAt).toBeNull();
        expect(root.children).toHaveLength(2);
        expect(root.badge).toBe(badge);

        await em
          .transactional(async (tx: any) => {
            await tx.getRepository(Root).softDelete(value(1));
            throw new Error('back');
          })
          .catch(() => undefined);
        expect(root.deletedAt).toBeNull();
        expect(root.children).toHaveLength(2);
        expect(await count('child')).toBe(0);
        test.statements.length = 0;
        await em.flush();
        expect(test.statements).toEqual([]);
      },
    );

    whereReferencesWork(
      'deletes through the unit of work, and populates the other side of a one-to-one relation',
      async () => {
        const [first, second]: any[] = await em.find(
          Root,
          { id: [value(1), value(2)] },
          {
            orderBy: { label: 'asc' },
            populate: ['badge', 'children'],
          },
        );
        em.remove(first);
        await em.flush();
        expect([await count('root'), await count('child'), await count('badge')]).toEqual([1, 2, 1]);
        await em.populate([second], ['badge'], { refresh: true });
        expect(second.badge.id).toEqual(value(2));
        const again: any = await em.findOne(Root, value(2), { populate: ['badge'], refresh: true });
        expect(again.badge).toBe(second.badge);
        const all: any[] = await repo.withDeleted().find({ id: value(1) }, { populate: ['badge'] });
        expect(all[0].badge.id).toEqual(value(1));
      },
    );

    it('names the keys of entities in conflicts', async () => {
      await repo.softDelete(value(1));
      await test.database.query(`update ${name}_root set label = 'label 1' where label = 'label 2'`);
      await expect(repo.restore(value(1))).rejects.toMatchObject({
        conflicts: [
          {
            reason: 'unique',
            key: value(1),
            conflictingKey: value(2),
            conflictingWith: 'active',
            properties: ['label'],
          },
        ],
      });
      const error = await em
        .getRepository(Child)

        .restore({ root: value(1), part: 'a' })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        conflicts: [{ reason: 'parent-deleted', key: [value(1), 'a'], conflictingKey: value(1) }],
      });
    });

    it('tells rows that would come back together from active ones', async () => {
      await repo.softDelete({ id: [value(1), value(2)] });
      await test.database.query(`update ${name}_root set label = 'same' where deleted_at is not null`);
      const error = await repo.restore({}).catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({
        message: expect.stringContaining('would be restored together'),
        conflicts: [{ reason: 'unique', conflictingWith: 'restored' }],
      });
      expect(String(error)).not.toContain('active row');
      expect(await count('root')).toBe(2);
    });

    it('removes physically, out of memory too', async () => {
      const root: any = await em.findOneOrFail(Root, value(1));
      expect(await repo.hardDelete([value(1), value(2)])).toBe(8);
      expect(await deleted('root')).toEqual([false]);
      expect(em.getUnitOfWork().getIdentityMap().values()).not.toContain(root);
    });

    it('reuses the values of a removed row, and its key, in one flush', async () => {
      const root: any = await em.findOneOrFail(Root, value(1));
      em.remove(root);
      em.create(Root, { id: value(4), label: 'label 1' });
      await em.flush();
      expect(
        await test.database.query(
          `select deleted_at is null as active from ${name}_root where label = 'label 1' order by 1`,
        ),
      ).toEqual([{ active: false }, { active: true }]);
    });
  });

  it('knows entities whose keys have another text in the database', async () => {
    const { Root, Child, Badge } = family('upper', { type: 'uuid' }, () => undefined);
    const test = await createTestOrm([Root, Child, Badge]);
    try {
      const em: any = test.orm.em.fork();
      const root = em.create(Root, { id: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380001' });
      const badge = em.create(Badge, { id: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380002', root });
      await em.flush();
      await em.getRepository(Root).softDelete({});
      expect([root.deletedAt, badge.deletedAt]).toEqual([expect.any(Date), expect.any(Date)]);
      await em.getRepository(Root).restore({});
      expect([root.deletedAt, badge.deletedAt]).toEqual([null, null]);
      await em.getRepository(Root).hardDelete(root);
      expect(em.getUnitOfWork().getIdentityMap().values()).toEqual([]);
    } finally {
      await test.close();
    }
  });
});
