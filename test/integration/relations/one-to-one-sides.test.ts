import { defineEntity, p, Type } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { softDeletable, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

class PrefixedType extends Type<string, number> {
  override convertToDatabaseValue(value: string | number): number {
    return typeof value === 'string' ? Number(value.slice(1)) : value;
  }
  override convertToJSValue(value: string | number): string {
    return typeof value === 'string' ? value : `s${value}`;
  }
  override getColumnType(): string {
    return 'int';
  }
}

const KEYS: Record<string, { one: unknown; properties: () => Record<string, unknown>; columns: string }> = {
  'a number': { one: 1, properties: () => ({ id: p.integer().primary() }), columns: 'shelf_id' },
  'a custom type': { one: 's1', properties: () => ({ id: p.type(PrefixedType).primary() }), columns: 'shelf_id' },
  'two columns': {
    one: [1, 1],
    properties: () => ({ id: p.integer().primary(), room: p.integer().primary() }),
    columns: 'shelf_id, shelf_room',
  },
};

let count = 0;

function declare(key: string, orphanRemoval: boolean): { Shelf: any; Label: any } {
  const n = ++count;
  const Shelf: any = defineEntity({
    name: `Shelf${n}`,
    tableName: 'shelf',
    repository: () => SoftDeleteRepository,
    properties: {
      ...KEYS[key]!.properties(),
      deletedAt: p.datetime().nullable(),
      label: (): any => {
        const relation = p.oneToOne(Label).mappedBy('shelf').nullable() as any;
        return orphanRemoval ? relation.orphanRemoval() : relation;
      },
    },
  } as any);
  const Label: any = defineEntity({
    name: `Label${n}`,
    tableName: 'label',
    repository: () => SoftDeleteRepository,
    properties: {
      id: p.integer().primary(),
      deletedAt: p.datetime().nullable(),
      shelf: (): any => (p.oneToOne(Shelf).owner().unique(false) as any).nullable(),
    },
  } as any);
  softDeletable(Shelf);
  softDeletable(Label);
  return { Shelf, Label };
}

describe.each(Object.keys(KEYS).flatMap((key) => [true, false].map((orphanRemoval) => ({ key, orphanRemoval }))))(
  'rows that share the other side of a one-to-one relation, by $key, orphan removal $orphanRemoval',
  (options) => {
    const { Shelf, Label } = declare(options.key, options.orphanRemoval);
    const { one, columns } = KEYS[options.key]!;
    let test: TestOrm;
    let em: EntityManager;

    beforeAll(async () => {
      test = await createTestOrm([Shelf, Label]);
    });
    beforeEach(async () => {
      const keys = columns.replaceAll(/shelf_\w+/g, '1');
      await test.database.query(`
      delete from label; delete from shelf;
      insert into shelf (${columns.replaceAll('shelf_', '')}) values (${keys});
      insert into label (id, ${columns}, deleted_at) values
        (1, ${keys}, now() - interval '1 hour'), (2, ${keys}, null), (3, ${keys}, now())`);
      em = test.orm.em.fork();
    });
    afterAll(() => test.close());

    const keysOf = (rows: any[]) => rows.map((row) => [row.id, row.shelf && [row.shelf.id].flat()[0]]);
    const labels = () => em.getRepository(Label) as unknown as SoftDeleteRepository<any>;
    const saved = () =>
      test.database.query('select id, deleted_at is null as active, shelf_id as shelf from label order by id');

    describe.each(['joined', 'select-in', 'balanced'] as const)('read %s', (strategy) => {
      it.each([
        [[], 1],
        [['shelf'], 1],
        [['shelf'], -1],
        [['shelf.label'], 1],
        [['shelf.label'], -1],
        [['shelf.label.shelf'], 1],
      ] as const)('keep it, populate %j, order %d', async (populate, direction) => {
        const before = await saved();
        const rows = await labels()
          .withDeleted()
          .find({}, { populate: populate as never, strategy, orderBy: { id: direction } });
        const first = [one].flat()[0];
        expect(keysOf(rows).sort()).toEqual([
          [1, first],
          [2, first],
          [3, first],
        ]);
        // The active one is the label of the shelf, whichever came first.
        expect(rows.map((row: any) => row.shelf.label?.id)).toEqual([2, 2, 2]);
        await em.flush();
        expect(await saved()).toEqual(before);
      });
    });

    it('keep it when one of them is read again', async () => {
      const before = await saved();
      await labels()
        .withDeleted()
        .find({}, { populate: ['shelf.label'] as never });
      await labels()
        .onlyDeleted()
        .find({}, { populate: ['shelf.label'] as never, refresh: true, strategy: 'joined' });
      await labels().find({}, { populate: ['shelf.label'] as never, strategy: 'joined' });
      await em.flush();
      expect(await saved()).toEqual(before);
    });

    it.each(['entity', 'key', 'row'])('give way to one that is created, by %s', async (how) => {
      const shelf: any = await em.findOneOrFail<any>(Shelf, one as never, { populate: ['label'] as never });
      const parts = [one].flat();
      const row = parts.length > 1 ? { id: parts[0], room: parts[1] } : { id: one };
      em.create<any>(Label, { id: 4, shelf: how === 'entity' ? shelf : how === 'key' ? one : row });
      await em.flush();
      const [, replaced, , created] = await saved();
      // As the ORM has it: an orphan is removed, anything else loses its key.
      expect(replaced).toMatchObject(
        options.orphanRemoval ? { active: false, shelf: 1 } : { active: true, shelf: null },
      );
      expect(created).toEqual({ id: 4, active: true, shelf: 1 });
      // The deleted ones stay as they are.
      expect((await saved())[0]).toEqual({ id: 1, active: false, shelf: 1 });
      expect((await saved())[2]).toEqual({ id: 3, active: false, shelf: 1 });
    });
  },
);
