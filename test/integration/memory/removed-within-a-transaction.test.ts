import { Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable()
@Entity()
class Album extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @OneToMany(() => Photo, (photo) => photo.album)
  photos = new Collection<Photo>(this);
}

@SoftDeletable()
@Entity()
class Photo extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne({ entity: () => Album, nullable: true })
  album?: Rel<Album> | null;
}

describe.each([
  ['shares its entities', () => ({})],
  ['has entities of its own', () => ({ clear: true })],
])('A row that a transaction removes which %s with the manager outside', (_, options) => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([Album, Photo]);
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    await test.database.query(`
      truncate album, photo;
      insert into album (id, name) values (1, 'one');
      insert into photo (id, album_id) values (1, 1), (2, 1)`);
    em = test.orm.em.fork() as EntityManager;
  });

  const remove = (inner: EntityManager) => new SoftDeleteRepository(inner, Photo).hardDelete({ id: 1 });

  it('is gone outside as well', async () => {
    const album = await em.findOneOrFail(Album, 1, { populate: ['photos'] });
    await em.transactional(async (inner) => {
      expect(await remove(inner as EntityManager)).toBe(1);
    }, options());
    expect(await em.findOne(Photo, 1)).toBeNull();
    expect(album.photos.getItems().map(({ id }) => id)).toEqual([2]);
    album.name = 'two';
    await em.flush();
    expect(await test.database.query('select id, album_id from photo')).toEqual([{ id: 2, album_id: 1 }]);
  });

  it('is gone outside of two', async () => {
    await em.findOneOrFail(Photo, 1);
    await em.transactional(
      (middle) => middle.transactional((inner) => remove(inner as EntityManager), options()),
      options(),
    );
    expect(await em.findOne(Photo, 1)).toBeNull();
  });

  it('is there again when the transaction is rolled back', async () => {
    const album = await em.findOneOrFail(Album, 1, { populate: ['photos'] });
    const [photo] = album.photos.getItems();
    const undone = em.transactional(async (inner) => {
      await remove(inner as EntityManager);
      throw new Error('undone');
    }, options());
    await expect(undone).rejects.toThrow('undone');
    expect(album.photos.getItems().map(({ id }) => id)).toEqual(expect.arrayContaining([1, 2]));
    expect(await em.findOne(Photo, 1)).toBe(photo);
    photo!.album = null;
    await em.flush();
    expect(await test.database.query('select id, album_id from photo order by id')).toEqual([
      { id: 1, album_id: null },
      { id: 2, album_id: 1 },
    ]);
  });
});

describe('A transaction with entities of its own around one that shares them', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Album, Photo]);
  });
  afterAll(() => test.close());

  it.each([
    ['removed', (photos: SoftDeleteRepository<Photo>) => photos.hardDelete({ id: 1 })],
    ['deleted', (photos: SoftDeleteRepository<Photo>) => photos.softDelete({ id: 1 })],
  ])('tells the manager outside of what is %s', async (_, work) => {
    await test.database.query(`truncate photo; insert into photo (id) values (1)`);
    const em = test.orm.em.fork() as EntityManager;
    const photo = await em.findOneOrFail(Photo, 1);
    await em.transactional(
      (middle) =>
        middle.transactional(
          (inner) => work(new SoftDeleteRepository(inner as EntityManager, Photo)) as Promise<unknown>,
          {
            clear: false,
          },
        ),
      { clear: true },
    );
    expect(await em.findOne(Photo, 1)).toBeNull();
    expect([em.getUnitOfWork().getIdentityMap().values().length === 0, photo.deletedAt != null]).toContain(true);
  });

  it.each([
    ['removed', (photos: SoftDeleteRepository<Photo>) => photos.hardDelete({ id: 1 })],
    ['deleted', (photos: SoftDeleteRepository<Photo>) => photos.softDelete({ id: 1 })],
  ])('the other way round, of what is %s', async (_, work) => {
    await test.database.query(`truncate photo; insert into photo (id) values (1)`);
    const em = test.orm.em.fork() as EntityManager;
    await em.findOneOrFail(Photo, 1);
    await em.transactional((middle) =>
      middle.transactional(
        (inner) => work(new SoftDeleteRepository(inner as EntityManager, Photo)) as Promise<unknown>,
        { clear: true },
      ),
    );
    expect(await em.findOne(Photo, 1)).toBeNull();
  });
});
