import './without-neighbours.js';
import type { Collection, EntityManager } from '@mikro-orm/postgresql';
import { installSoftDelete, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Cover, Doc, Folder, Mark, modelEntities, Note, Review, Tag, UNIQUE_INDEXES } from './model-entities.js';

/** What the model test found, reduced. */
describe(installSoftDelete.name, () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm(modelEntities);
    await test.database.query(UNIQUE_INDEXES);
  });

  beforeEach(async () => {
    await test.database.query(`
      truncate folder, doc, review, lease, mark, note, cover, tag, team, member, doc_tags cascade;
      insert into folder (id, handle, name, slug) values (1, 1, 'root', 'root');
      insert into folder (id, handle, name, slug, parent_id) values (2, 2, 'inner', 'inner', 1), (3, 3, 'other', 'other', 1);
      insert into doc (id, handle, name, folder_id) values (1, 1, 'doc', 1);
      insert into review (id, handle, name, doc_id) values (1, 1, 'review', 1);
      insert into note (id, handle, name, doc_id) values (1, 1, 'note', 1);
      insert into cover (id, handle, name, doc_id) values (1, 1, 'cover', 1);
      insert into tag (id, handle, name) values (1, 1, 'a'), (2, 2, 'b');
      insert into doc_tags (doc_id, tag_id) values (1, 1), (1, 2);
      select setval('cover_id_seq', 100), setval('folder_id_seq', 100);
    `);
    em = test.orm.em.fork({ flushMode: 'commit' }) as EntityManager;
  });

  afterAll(() => test.close());

  const rows = (table: string, columns: string) =>
    test.database.query(`select ${columns} from ${table} where deleted_at is not null order by id`);

  const repository = <Entity extends object>(manager: EntityManager, entity: new () => Entity) =>
    manager.getRepository(entity) as unknown as SoftDeleteRepository<Entity>;

  const everything = { filters: { softDelete: false } };

  async function nothingMoreToWrite(table: string): Promise<void> {
    const before = await test.database.query(`select *, deleted_at::text from ${table} order by id`);
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
    expect(await test.database.query(`select *, deleted_at::text from ${table} order by id`)).toEqual(before);
  }

  it('writes a removed bare reference of a versioned entity once', async () => {
    em.remove(em.getReference(Doc, 1));
    await em.flush();
    await nothingMoreToWrite('doc');
  });

  it('does not save what was set on a bare reference before it was removed', async () => {
    const review = em.getReference(Review, 1);
    review.name = 'changed';
    em.remove(review);
    await em.flush();
    expect(await rows('review', 'name')).toEqual([{ name: 'review' }]);
    await nothingMoreToWrite('review');
  });

  it('leaves a bare reference alone that a cascade has reached', async () => {
    await em.findOneOrFail(Note, 1);
    em.remove(em.getReference(Folder, 1));
    await em.flush();
    expect(await rows('doc', 'id')).toEqual([{ id: 1 }]);
    await nothingMoreToWrite('doc');
  });

  it('keeps the links of deleted rows when an unloaded many-to-many collection is emptied', async () => {
    await test.database.query('update tag set deleted_at = now() where id = 1');
    (await em.findOneOrFail(Doc, 1)).tags.removeAll();
    await em.flush();
    expect(await test.database.query('select tag_id from doc_tags')).toEqual([{ tag_id: 1 }]);
  });

  it('does not insert a link again that a row had before it was deleted', async () => {
    const tag = await em.findOneOrFail(Tag, 1);
    await test.database.query('update tag set deleted_at = now() where id = 1');
    (await em.findOneOrFail(Doc, 1)).tags.set([tag]);
    await em.flush();
    expect(await test.database.query('select tag_id from doc_tags')).toEqual([{ tag_id: 1 }]);
  });

  it('keeps the key of a deleted row whose place a new one takes', async () => {
    await repository(test.orm.em.fork() as EntityManager, Cover).softDelete(1);
    const doc = await em.findOneOrFail(Doc, 1, everything);
    const cover = Object.assign(new Cover(), { handle: 2, name: 'new' });
    cover.doc = doc;
    em.persist(cover);
    await em.flush();
    await em.flush();
    expect(await rows('cover', 'id, doc_id')).toEqual([{ id: 1, doc_id: 1 }]);
  });

  it('keeps the key of a deleted row when its owner is read again without it', async () => {
    await repository(test.orm.em.fork() as EntityManager, Cover).softDelete(1);
    await repository(em, Cover).onlyDeleted().findOneOrFail(1);
    await em.find(Doc, {}, { refresh: true });
    await em.flush();
    expect(await rows('cover', 'id, doc_id')).toEqual([{ id: 1, doc_id: 1 }]);
  });

  it('keeps the key of a deleted row when the active one is asked for after all', async () => {
    await repository(test.orm.em.fork() as EntityManager, Cover).softDelete(1);
    const doc = await em.findOneOrFail(Doc, 1, everything);
    await em.populate([doc], ['cover'], { refresh: true });
    await repository(em, Cover).withDeleted().findOneOrFail(1);
    await em.flush();
    expect(await rows('cover', 'id, doc_id')).toEqual([{ id: 1, doc_id: 1 }]);
  });

  it('knows a row as active once it has read what another entity manager restored', async () => {
    const review = await em.findOneOrFail(Review, 1);
    await repository(em, Review).softDelete(1);
    await repository(test.orm.em.fork() as EntityManager, Review).restore(1);
    expect(await em.find(Review, {})).toEqual([review]);
    expect(review.deletedAt).toBeNull();
    em.remove(review);
    await em.flush();
    expect(await rows('review', 'id')).toEqual([{ id: 1 }]);
  });

  it('reads a collection again under another scope after a change of it is saved', async () => {
    await test.database.query('update folder set deleted_at = now() where id = 2');
    const folder = await em.findOneOrFail(Folder, 1, { populate: ['children'] });
    folder.children.remove(folder.children.getItems()[0]!);
    await em.flush();
    await repository(em, Folder)
      .withDeleted()
      .find({}, { populate: ['children'] });
    expect(folder.children.getItems().map(({ id }) => id)).toEqual([2]);
  });

  it('keeps a deleted row out of a collection whose change is saved', async () => {
    await test.database.query('update folder set deleted_at = now() where id = 2');
    const folder = await em.findOneOrFail(Folder, 1, { populate: ['children'] });
    folder.children.remove(folder.children.getItems()[0]!);
    await em.flush();
    await repository(em, Folder).onlyDeleted().find({});
    expect(folder.children.getItems()).toEqual([]);
  });

  it('does not bring deleted children back to life in memory that were joined with their parent', async () => {
    await em.find(Doc, {}, { ...everything, populate: ['reviews'], strategy: 'joined' });
    const folder = await em.findOneOrFail(Folder, 1, { populate: ['docs'], refresh: true });
    folder.docs.removeAll();
    const review = await em.findOneOrFail(Review, 1);
    em.remove(review);
    await em.flush();
    expect(review.deletedAt).toBeInstanceOf(Date);
    await nothingMoreToWrite('review');
  });

  it('gives an entity its version back after a rollback', async () => {
    const doc = await em.findOneOrFail(Doc, 1);
    doc.name = 'changed';
    await em.flush();
    await test.database.query("insert into lease (handle, name, doc_id) values (1, 'lease', 1)");
    em.remove(doc);
    await expect(em.flush()).rejects.toThrow('Doc.leases');
    expect(doc.version).toBe(2);
  });

  it('deletes nothing more when a row is removed again that somebody else has deleted', async () => {
    const inner = await em.findOneOrFail(Folder, 2);
    await repository(test.orm.em.fork() as EntityManager, Folder).softDelete(2);
    const before = await test.database.query('select deleted_at::text from folder where id = 2');
    await test.database.query(
      "insert into folder (id, handle, name, slug, parent_id) values (4, 4, 'late', 'late', 2)",
    );
    await em.findOneOrFail(Folder, 4);
    em.remove(inner);
    await em.flush();
    expect(await rows('folder', 'id')).toEqual([{ id: 2 }]);
    expect(await test.database.query('select deleted_at::text from folder where id = 2')).toEqual(before);
  });

  it('spares a loaded child that somebody else has moved away', async () => {
    const root = await em.findOneOrFail(Folder, 1, { populate: ['children'] });
    await test.database.query('update folder set parent_id = null where id = 3');
    em.remove(root);
    await em.flush();
    expect(await rows('folder', 'id')).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('lets a new row take the unique value of a loaded child that goes with its parent', async () => {
    const root = await em.findOneOrFail(Folder, 1, { populate: ['children'] });
    em.remove(root);
    em.create(Folder, { handle: 4, name: 'new', slug: 'inner' });
    await em.flush();
    expect(await rows('folder', 'id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(await test.database.query("select id from folder where slug = 'inner' and deleted_at is null")).toHaveLength(
      1,
    );
  });

  it('lets a new row take the unique value of any of the loaded children, however many go with their parent', async () => {
    await test.database.query(`
      insert into folder (id, handle, name, slug, parent_id) select n, n, 'many', 'many-' || n, 1 from generate_series(1001, 11500) as n`);
    const root = await em.findOneOrFail(Folder, 1, { populate: ['children'] });
    em.remove(root);
    em.create(Folder, { handle: 4, name: 'new', slug: 'many-1001' });
    em.create(Folder, { handle: 5, name: 'new', slug: 'many-11500' });
    await em.flush();
    const units = await test.database.query(
      'select count(*)::int, count(distinct deleted_at)::int as times from folder where deleted_at is not null',
    );
    expect(units).toEqual([{ count: 10503, times: 1 }]);
    expect(await test.database.query('select slug from folder where deleted_at is null order by id')).toEqual([
      { slug: 'many-1001' },
      { slug: 'many-11500' },
    ]);
  });

  it('does not put a deleted row that is read into a collection with unsaved changes', async () => {
    await test.database.query("insert into folder (id, handle, name, slug) values (4, 4, 'moving', 'moving')");
    await repository(em, Folder).softDelete(3);
    const root = await em.findOneOrFail(Folder, 1, { populate: ['children'] });
    (await em.findOneOrFail(Folder, 4)).parent = root;
    await em.findOneOrFail(Folder, 3, { ...everything, refresh: true });
    const ids = () => root.children.getItems().map(({ id }) => id);
    expect(ids()).toEqual([2, 4]);
    await em.flush();
    expect(ids()).toEqual([2, 4]);
    expect(await test.database.query('select id from folder where parent_id = 1 order by id')).toEqual([
      { id: 2 },
      { id: 3 },
      { id: 4 },
    ]);
  });

  it('does not show a row again that has left a collection whose change is saved', async () => {
    const folder = await em.findOneOrFail(Folder, 1, { populate: ['children'] });
    folder.children.remove(folder.children.getItems().find(({ id }) => id === 3)!);
    await em.flush();
    await repository(test.orm.em.fork() as EntityManager, Folder).softDelete(2);
    await folder.children.init();
    expect(folder.children.getItems()).toEqual([]);
  });

  it('knows the rows again whose physical removal is rolled back', async () => {
    const [root, inner] = await em.find(Folder, {}, { orderBy: { id: 1 }, populate: ['children'] });
    await em
      .transactional(async (tx) => {
        await repository(tx as EntityManager, Folder).hardDelete(2);
        throw new Error('undo');
      })
      .catch(() => undefined);
    expect(root!.children.getItems()).toContain(inner);
    expect(await em.findOne(Folder, 2)).toBe(inner);
    await nothingMoreToWrite('folder');
    inner!.name = 'changed';
    await em.flush();
    expect(await test.database.query('select name from folder where id = 2')).toEqual([{ name: 'changed' }]);
  });

  it.each([
    { kind: 'cascade', remove: (tx: EntityManager) => repository(tx, Folder).softDelete(1) },
    { kind: 'condition', remove: (tx: EntityManager) => repository(tx, Doc).softDelete({ name: 'doc' }) },
    { kind: 'unit of work', remove: (tx: EntityManager) => tx.remove(tx.getReference(Doc, 1)).flush() },
  ])(
    'knows a bare reference as active that was loaded while it was deleted, after a rollback: $kind',
    async ({ remove }) => {
      const doc = em.getReference(Doc, 1);
      const undone = em.transactional(async (tx) => {
        await remove(tx as EntityManager);
        expect(await tx.find(Doc, {}, everything)).toMatchObject([{ version: 2 }]);
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      await nothingMoreToWrite('doc');
      expect(await em.findOne(Doc, 1)).toBe(doc);
      expect(doc).toMatchObject({ version: 1, deletedAt: null, name: 'doc' });
      doc.name = 'changed';
      await em.flush();
      expect(await test.database.query('select name, version from doc')).toEqual([{ name: 'changed', version: 2 }]);
    },
  );

  it('knows a bare reference as deleted that was loaded while it was restored, after a rollback', async () => {
    const { deletedAt } = await repository(test.orm.em.fork() as EntityManager, Folder).softDelete(1);
    const doc = em.getReference(Doc, 1);
    const undone = em.transactional(async (tx) => {
      await repository(tx as EntityManager, Folder).restore(1);
      expect(await tx.find(Doc, {})).toMatchObject([{ version: 3, deletedAt: null }]);
      throw new Error('undo');
    });
    await expect(undone).rejects.toThrow('undo');
    expect(doc).toMatchObject({ version: 2, deletedAt, name: 'doc' });
    await nothingMoreToWrite('doc');
    expect(await em.findOne(Doc, 1)).toBeNull();
  });

  it.each([{ flushed: true }, { flushed: false }])(
    'goes on loading from an orphan whose transaction is rolled back: $flushed',
    async ({ flushed }) => {
      em = test.orm.em.fork({ useContext: true }) as EntityManager;
      const doc = await em.findOneOrFail(Doc, 1);
      const undone = em.transactional(async (tx) => {
        const folder = await tx.findOneOrFail(Folder, 1, { populate: ['docs'] });
        folder.docs.removeAll();
        if (flushed) {
          await tx.flush();
        }
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      expect((await doc.reviews.load()).count()).toBe(1);
      await nothingMoreToWrite('doc');
    },
  );

  it.each([
    { kind: 'reference', take: (): Promise<Folder> => em.findOneOrFail(Folder, 1, { populate: ['docs'] }) },
    { kind: 'wrapped reference', take: (): Promise<Doc> => em.findOneOrFail(Doc, 1, { populate: ['reviews'] }) },
  ])('shows a row again in the collection that let it go, if its removal is rolled back: $kind', async ({ take }) => {
    await test.database.query("insert into lease (handle, name, doc_id) values (1, 'lease', 1)");
    const owner = await take();
    const collection: Collection<any> = 'docs' in owner ? owner.docs : owner.reviews;
    const [item] = collection.getItems();
    collection.remove(item);
    em.remove(em.getReference(Folder, 1));
    await expect(em.flush()).rejects.toThrow('Doc.leases');
    expect(collection.getItems()).toEqual([item]);
    await nothingMoreToWrite('review');
    await nothingMoreToWrite('doc');
  });

  it('inserts a new child with the key of a parent that is removed in the same flush and was loaded with its children', async () => {
    const doc = await em.findOneOrFail(Doc, 1, { populate: ['marks'] });
    em.create(Mark, { handle: 7, name: 'mark', doc });
    em.remove(doc);
    await em.flush();
    expect(await test.database.query('select doc_id, deleted_at from mark')).toEqual([{ doc_id: 1, deleted_at: null }]);
    expect(await rows('doc', 'id')).toEqual([{ id: 1 }]);
  });
});
