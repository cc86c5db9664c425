import type { Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable<Shelf>({ property: 'goneAt' })
@Entity({ tableName: 'shelf', repository: () => SoftDeleteRepository })
class Shelf {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ columnType: 'timestamptz', type: 'datetime', nullable: true })
  goneAt?: Date | null;
}

/** As TypeORM makes them. */
@SoftDeletable<Volume>({ property: 'goneAt' })
@Entity({ tableName: 'volume', repository: () => SoftDeleteRepository })
class Volume {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shelf, { deleteRule: 'cascade' })
  shelf!: Rel<Shelf>;

  @Property({ columnType: 'timestamp', type: 'datetime', nullable: true })
  goneAt?: Date | null;
}

@SoftDeletable<Page>({ property: 'goneAt' })
@Entity({ tableName: 'page', repository: () => SoftDeleteRepository })
class Page {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Volume, { deleteRule: 'cascade' })
  volume!: Rel<Volume>;

  @Property({ columnType: 'timestamptz', type: 'datetime', nullable: true })
  goneAt?: Date | null;
}

describe.each(['UTC', 'Pacific/Kiritimati', 'America/St_Johns'])(
  'times with a time zone and without, in %s',
  (zone) => {
    let test: TestOrm;

    beforeAll(async () => {
      test = await createTestOrm([Shelf, Volume, Page], { driverOptions: { options: `-c TimeZone=${zone}` } });
      await test.database.query(`
      insert into shelf (id) values (1), (2);
      insert into volume (id, shelf_id) values (1, 1), (2, 2);
      insert into page (id, volume_id) values (1, 1), (2, 2), (3, 1)`);
    });
    afterAll(() => test.close());

    it('are those of one unit, which is restored as a whole and alone', async () => {
      const repository = <E extends object>(entity: new () => E) =>
        test.orm.em.fork().getRepository(entity) as unknown as SoftDeleteRepository<E>;
      await repository(Page).softDelete(3);
      await repository(Shelf).softDelete([1, 2]);
      expect(await repository(Shelf).restore(1)).toMatchObject({ affected: { Shelf: 1, Volume: 1, Page: 1 } });
      const deleted = await test.database.query(`
      select 'shelf' as "table", id from shelf where gone_at is not null
      union all select 'volume', id from volume where gone_at is not null
      union all select 'page', id from page where gone_at is not null order by 2, 1`);
      expect(deleted.map(({ table, id }) => `${table} ${id}`)).toEqual(['page 2', 'shelf 2', 'volume 2', 'page 3']);
    });
  },
);
