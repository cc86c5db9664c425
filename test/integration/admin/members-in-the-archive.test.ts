import { MikroORM } from '@mikro-orm/postgresql';
import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { buildAdminPage } from '../../support/build-admin-page.js';
import { AdminApp, platforms } from './admin-app.js';

@SoftDeletable()
@Entity()
class Chest extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @OneToMany(() => Letter, (letter) => letter.chest, { cascade: [Cascade.ALL] })
  letters = new Collection<Letter>(this);

  @OneToMany(() => Coin, (coin) => coin.chest, { cascade: [Cascade.ALL] })
  coins = new Collection<Coin>(this);
}

/** Its times of deletion have no time zone. */
@SoftDeletable()
@Entity()
class Coin {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Chest)
  chest!: Rel<Chest>;

  @Property({ columnType: 'timestamp(6)', type: 'datetime', nullable: true })
  deletedAt?: Date | null;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Letter {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Chest)
  chest!: Rel<Chest>;

  @OneToMany(() => Sheet, (sheet) => sheet.letter, { cascade: [Cascade.ALL] })
  sheets = new Collection<Sheet>(this);

  @OneToMany(() => Seal, (seal) => seal.letter, { cascade: [Cascade.ALL] })
  seals = new Collection<Seal>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Sheet {
  @PrimaryKey({ type: 'integer' })
  one!: number;

  @PrimaryKey({ type: 'integer' })
  other!: number;

  @ManyToOne(() => Letter)
  letter!: Rel<Letter>;
}

@SoftDeletable()
@Entity()
class Seal extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => Letter, { nullable: true, deleteRule: 'set null' })
  letter?: Rel<Letter> | null;
}

const ENTITIES = [Chest, Coin, Letter, Sheet, Seal];

describe('The size of a unit on the admin page', () => {
  let app: AdminApp;

  beforeAll(async () => {
    buildAdminPage();
    app = await AdminApp.start(platforms[0]![1], { entities: [Chest, Coin, Seal] }, '', undefined, {
      entities: [...ENTITIES, ...complianceEntities()],
    });
    await app.database.query(`
      set time zone 'Asia/Tokyo';
      insert into chest default values; insert into chest default values;
      insert into coin (chest_id) values (1), (1), (2);
      insert into letter (chest_id) values (1), (1), (2), (1);
      insert into sheet (one, other, letter_id) values (1, 1, 1), (1, 2, 1), (2, 1, 2), (3, 1, 3);
      insert into seal (letter_id) values (1), (3)`);
    const em = app.app.get(MikroORM).em.fork();
    // Deleted before the chest, and no member of its unit.
    await new SoftDeleteRepository(em as never, Letter).softDelete(4);
    await new SoftDeleteRepository(em as never, Chest).softDelete(1);
    await new SoftDeleteRepository(em as never, Chest).softDelete(2);
  });

  afterAll(() => app?.close());

  const sizes = async (entity: string) =>
    Object.fromEntries(
      (await app.get(`entities/${entity}/rows`)).body.rows.map(({ key, unitSize }: any) => [key, unitSize]),
    );

  it('counts rows in the archive, what they took along, and rows whose times have no time zone', async () => {
    await expect(sizes('Chest')).resolves.toEqual({ 1: 9, 2: 5 });
    expect((await app.get('entities/Chest/rows/1')).body.unit).toEqual({
      Chest: 1,
      Coin: 2,
      Letter: 2,
      Sheet: 3,
      Seal: 1,
    });
  });

  it('counts what is below a row, and not what is above or beside it', async () => {
    await expect(sizes('Coin')).resolves.toEqual({ 1: 1, 2: 1, 3: 1 });
    await expect(sizes('Seal')).resolves.toEqual({ 1: 1, 2: 1 });
  });

  it('is what a restoration brings back', async () => {
    const { body } = await app.get('entities/Chest/rows/1');
    const restored = await new SoftDeleteRepository(app.app.get(MikroORM).em.fork() as never, Chest).restore(1);
    expect([body.unitSize, body.unit]).toEqual([restored.total, restored.affected]);
  });
});
