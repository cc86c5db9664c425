import { Cascade, defineEntity, type EntityManager, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { planRemoval, type RemovalPlan } from '../../../../lib/flush/plan/plan-removal.js';
import { SoftDeleteCatalog } from '../../../../lib/metadata/soft-delete-catalog.js';

const id = () => p.integer().primary();
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();

/** Not soft-deletable: what is removed with a shelf goes by the cascade of the ORM. */
const Shelf = defineEntity({
  name: 'Shelf',
  properties: {
    id: id(),
    room: () => p.manyToOne(Room).nullable(),
    authors: () => p.oneToMany(Author).mappedBy('shelf').cascade(Cascade.ALL),
    labels: () => p.oneToMany(Label).mappedBy('shelf').cascade(Cascade.ALL),
    files: () => p.oneToMany(File).mappedBy('shelf').cascade(Cascade.ALL),
  },
});
const Room = defineEntity({
  name: 'Room',
  properties: { id: id(), shelves: () => p.oneToMany(Shelf).mappedBy('room').cascade(Cascade.ALL) },
});
const Label = defineEntity({
  name: 'Label',
  properties: {
    id: id(),
    shelf: () => p.manyToOne(Shelf).nullable(),
    author: () => p.manyToOne(Author).nullable(),
    prints: () => p.oneToMany(Print).mappedBy('label').cascade(Cascade.ALL),
    knots: () => p.oneToMany(Knot).mappedBy('label').cascade(Cascade.ALL),
  },
});
const Print = defineEntity({ name: 'Print', properties: { id: id(), label: () => p.manyToOne(Label) } });
const Author = softDeletable(
  defineEntity({
    name: 'Author',
    properties: {
      id: id(),
      shelf: () => p.manyToOne(Shelf).nullable(),
      books: () => p.oneToMany(Book).mappedBy('author').cascade(Cascade.ALL),
      reviews: () => p.oneToMany(Review).mappedBy('author').cascade(Cascade.ALL),
      labels: () => p.oneToMany(Label).mappedBy('author').cascade(Cascade.ALL),
      loose: () => p.oneToMany(Loose).mappedBy('author'),
      files: () => p.oneToMany(File).mappedBy('author').cascade(Cascade.ALL),
      knots: () => p.oneToMany(Knot).mappedBy('author').cascade(Cascade.ALL),
      deletedAt: deletedAt(),
    },
  }),
  { relations: { reviews: 'keep', knots: 'keep' } },
);
const Book = softDeletable(
  defineEntity({
    name: 'Book',
    properties: {
      id: id(),
      author: () => p.manyToOne(Author),
      chapters: () => p.oneToMany(Chapter).mappedBy('book').cascade(Cascade.REMOVE),
      deletedAt: deletedAt(),
    },
  }),
);
const Chapter = softDeletable(
  defineEntity({ name: 'Chapter', properties: { id: id(), book: () => p.manyToOne(Book), deletedAt: deletedAt() } }),
);
const Review = softDeletable(
  defineEntity({
    name: 'Review',
    properties: {
      id: id(),
      author: () => p.manyToOne(Author),
      marks: () => p.oneToMany(Mark).mappedBy('review').orphanRemoval(),
      deletedAt: deletedAt(),
    },
  }),
);
const Mark = softDeletable(
  defineEntity({ name: 'Mark', properties: { id: id(), review: () => p.manyToOne(Review), deletedAt: deletedAt() } }),
);
const Loose = softDeletable(
  defineEntity({ name: 'Loose', properties: { id: id(), author: () => p.manyToOne(Author), deletedAt: deletedAt() } }),
);
const File = softDeletable(
  defineEntity({
    name: 'File',
    properties: {
      id: id(),
      shelf: () => p.manyToOne(Shelf).nullable(),
      author: () => p.manyToOne(Author).nullable().deleteRule('set null'),
      pages: () => p.oneToMany(Page).mappedBy('file').cascade(Cascade.ALL),
    },
  }),
  { strategy: 'archive' },
);
const Page = softDeletable(
  defineEntity({
    name: 'Page',
    properties: { id: id(), file: () => p.manyToOne(File).nullable().deleteRule('set null'), deletedAt: deletedAt() },
  }),
);
/** May lead to itself. */
const Knot = softDeletable(
  defineEntity({
    name: 'Knot',
    properties: {
      id: id(),
      author: () => p.manyToOne(Author).nullable(),
      label: () => p.manyToOne(Label).nullable(),
      next: () => p.manyToOne(Knot).nullable().cascade(Cascade.ALL),
      deletedAt: deletedAt(),
    },
  }),
);

const MARKED = [Author, Book, Chapter, Review, Mark, Loose, File, Page, Knot];
const PLAIN = [Shelf, Room, Label, Print];

describe(planRemoval.name, () => {
  let orm: MikroORM;
  let em: EntityManager;

  beforeAll(async () => {
    orm = await MikroORM.init({
      dbName: 'none',
      entities: [...MARKED, ...PLAIN, ...complianceEntities()],
      extensions: [softDelete()],
    });
  });
  afterAll(() => orm.close(true));
  beforeEach(() => {
    em = orm.em.fork();
  });

  /** A row as it was read, with what lies behind it. */
  const row = (entity: { class: any }, key: number, more: object = {}): any =>
    em.merge(entity.class, { id: key, ...more }, { convertCustomTypes: false } as never);
  const unsaved = (entity: { class: any }, key: number): any =>
    em.create(entity.class, { id: key } as never, { persist: false, partial: true } as never);
  const put = (owner: any, relation: string, ...items: object[]) => {
    owner[relation].hydrate(items, true);
    return owner;
  };
  const plan = (removed: object[], orphans: object[] = []) => {
    const names = (entities: Iterable<any>) =>
      [...entities].map((entity) => `${entity.constructor.name} ${entity.id}`).toSorted();
    const { soft, cascaded, gone, spared, hard, unborn }: RemovalPlan = planRemoval(
      removed,
      orphans,
      SoftDeleteCatalog.of(orm.em),
    );
    const all = {
      soft: names(soft.keys()),
      cascaded: names(cascaded.keys()),
      gone: names(gone),
      spared: names(spared),
      hard: names(hard),
      unborn: names(unborn),
    };
    return Object.fromEntries(Object.entries(all).filter(([, found]) => found.length > 0));
  };
  const deleted = { deletedAt: new Date() };

  it('soft-deletes what is removed, and leaves to the database what its cascade reaches, to any depth', () => {
    const author = row(Author, 1);
    put(author, 'books', put(row(Book, 1), 'chapters', row(Chapter, 1)), row(Book, 2));
    expect(plan([author])).toEqual({ soft: ['Author 1'], cascaded: ['Book 1', 'Book 2', 'Chapter 1'] });
  });

  it('spares what is kept, what is not soft-deletable, and what is deleted already, with all behind it', () => {
    const author = row(Author, 1);
    put(author, 'reviews', put(row(Review, 1), 'marks', row(Mark, 1)));
    put(author, 'labels', put(row(Label, 1), 'prints', row(Print, 1)));
    put(author, 'books', put(row(Book, 1, deleted), 'chapters', row(Chapter, 1)));
    put(author, 'loose', row(Loose, 1));
    expect(plan([author])).toEqual({
      soft: ['Author 1'],
      spared: ['Book 1', 'Chapter 1', 'Label 1', 'Mark 1', 'Print 1', 'Review 1'],
    });
  });

  it('removes by name what something else would have spared', () => {
    const author = row(Author, 1);
    const review = put(row(Review, 1), 'marks', row(Mark, 1));
    const label = put(row(Label, 1), 'prints', row(Print, 1));
    put(put(author, 'reviews', review), 'labels', label);
    for (const removed of [
      [author, review, label],
      [label, review, author],
    ]) {
      expect(plan(removed)).toEqual({ soft: ['Author 1', 'Review 1'], cascaded: ['Mark 1'] });
    }
  });

  it('takes a row for deleted that was when it was read, whatever has been set since', () => {
    const [active, gone] = [row(Author, 1), put(row(Author, 2, deleted), 'books', row(Book, 1))];
    active.deletedAt = new Date();
    gone.deletedAt = null;
    expect(plan([active, gone])).toEqual({ soft: ['Author 1'], gone: ['Author 2'], spared: ['Author 2', 'Book 1'] });
  });

  it('soft-deletes orphans, but none that something in front of them has spared or takes along', () => {
    const author = row(Author, 1);
    const [book, review, mark] = [row(Book, 1), row(Review, 1), row(Mark, 1)];
    put(put(author, 'books', book), 'reviews', put(review, 'marks', mark));
    expect(plan([], [mark, book])).toEqual({ soft: ['Book 1', 'Mark 1'] });
    expect(plan([author], [book, mark])).toEqual({
      soft: ['Author 1'],
      cascaded: ['Book 1'],
      spared: ['Mark 1', 'Review 1'],
    });
  });

  it('inserts nothing that belongs to what goes', () => {
    const author = row(Author, 1);
    const book = unsaved(Book, 7);
    const chapter = unsaved(Chapter, 7);
    put(author, 'books', put(book, 'chapters', chapter, row(Chapter, 1)));
    expect(plan([author])).toEqual({ soft: ['Author 1'], unborn: ['Book 7', 'Chapter 7'] });
    expect(plan([put(row(Shelf, 1), 'labels', unsaved(Label, 7), row(Label, 1))])).toEqual({ unborn: ['Label 7'] });
  });

  it('leaves to the unit of work what nothing soft-deletable hangs on', () => {
    expect(plan([put(row(Shelf, 1), 'labels', row(Label, 1))])).toEqual({});
    expect(plan([row(Label, 1)])).toEqual({});
  });

  it('removes by itself what soft-deletable rows hang on, with the plain rows in between, and soft-deletes these', () => {
    const author = put(row(Author, 1), 'books', row(Book, 1));
    const shelf = put(put(row(Shelf, 1), 'authors', author, row(Author, 2, deleted)), 'labels', row(Label, 1));
    const room = put(row(Room, 1), 'shelves', shelf);
    const whole = {
      hard: ['Label 1', 'Room 1', 'Shelf 1'],
      soft: ['Author 1'],
      cascaded: ['Book 1'],
      spared: ['Author 2'],
    };
    expect(plan([room])).toEqual(whole);
    expect(plan([room, shelf])).toEqual(whole);
    expect(plan([row(Label, 1), room])).toEqual(whole);
  });

  it('removes archived rows by itself, and leaves to the database what they take along', () => {
    const file = put(row(File, 1), 'pages', row(Page, 1), unsaved(Page, 7));
    expect(plan([file])).toEqual({ hard: ['File 1'], spared: ['Page 1'], unborn: ['Page 7'] });
    expect(plan([put(row(Shelf, 1), 'files', file)])).toEqual({
      hard: ['File 1', 'Shelf 1'],
      spared: ['Page 1'],
      unborn: ['Page 7'],
    });
    expect(plan([], [file])).toEqual({ hard: ['File 1'], spared: ['Page 1'], unborn: ['Page 7'] });
    expect(plan([file, file.pages[0]])).toEqual({ hard: ['File 1'], soft: ['Page 1'], unborn: ['Page 7'] });
    expect(plan([unsaved(File, 7)])).toEqual({});
  });

  it('goes round circles once', () => {
    const [one, two] = [row(Knot, 1), row(Knot, 2)];
    [one.next, two.next] = [two, one];
    expect(plan([put(row(Author, 1), 'knots', one, two)])).toEqual({
      soft: ['Author 1'],
      spared: ['Knot 1', 'Knot 2'],
    });
    expect(plan([one])).toEqual({ soft: ['Knot 1'], cascaded: ['Knot 2'] });
    expect(plan([put(row(Label, 1), 'knots', one)])).toMatchObject({ hard: ['Label 1'] });
  });

  it('takes what is named for named, whatever takes it along as well', () => {
    const book = put(row(Book, 1), 'chapters', row(Chapter, 1));
    const author = put(row(Author, 1), 'books', book);
    for (const removed of [
      [author, book],
      [book, author],
    ]) {
      expect(plan(removed)).toEqual({ soft: ['Author 1', 'Book 1'], cascaded: ['Chapter 1'] });
    }
    const file = put(row(File, 1), 'pages', row(Page, 1));
    put(author, 'files', file);
    expect(plan([author, file])).toMatchObject({ hard: ['File 1'], spared: ['Page 1'] });
    expect(plan([author], [file])).toEqual({
      soft: ['Author 1'],
      cascaded: ['Book 1', 'Chapter 1'],
      spared: ['File 1', 'Page 1'],
    });
  });

  it('spares nothing that goes another way', () => {
    const label = row(Label, 1);
    const shelf = put(put(row(Shelf, 1), 'labels', label), 'authors', row(Author, 2));
    expect(plan([put(row(Author, 1), 'labels', label), shelf])).toEqual({
      soft: ['Author 1', 'Author 2'],
      hard: ['Label 1', 'Shelf 1'],
    });

    const knot = row(Knot, 1);
    const tagged = put(row(Label, 2), 'knots', knot);
    expect(plan([put(row(Author, 3), 'knots', knot), tagged])).toEqual({
      soft: ['Author 3', 'Knot 1'],
      hard: ['Label 2'],
    });

    const last = row(Knot, 2);
    const first = row(Knot, 3, { next: last });
    expect(plan([put(row(Author, 4), 'knots', last), first])).toEqual({
      soft: ['Author 4', 'Knot 3'],
      cascaded: ['Knot 2'],
    });
  });

  it('takes a reference for a row, of which nothing else is known', () => {
    const author = put(row(Author, 1), 'books', em.getReference(Book.class as never, 1 as never));
    expect(plan([author])).toEqual({ soft: ['Author 1'], cascaded: ['Book 1'] });
  });
});
