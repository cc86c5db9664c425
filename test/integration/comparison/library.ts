import { Cascade, Collection } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** What a way of soft deletion puts on the entities that it is to delete softly. */
export type Marks = Readonly<Record<'Author' | 'Book' | 'Chapter' | 'Review' | 'Cover' | 'Tag', ClassDecorator[]>>;

export type Library = ReturnType<typeof createLibrary>;

/** The same entities for every way of soft deletion, each time as classes of their own. */
export function createLibrary(marks: Marks, repository?: () => any) {
  const marked = (name: keyof Marks) => (target: any) => marks[name].forEach((mark) => mark(target));
  const options = repository ? { repository } : {};

  abstract class Base {
    @PrimaryKey({ type: 'number' })
    id!: number;

    @Property({ type: 'string' })
    name!: string;
  }

  abstract class Deletable extends Base {
    @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
    deletedAt?: Date | null;
  }

  @marked('Author')
  @Entity(options)
  class Author extends Deletable {
    @OneToMany(() => Book, (book) => book.author, { cascade: [Cascade.ALL] })
    books = new Collection<Book>(this);
  }

  @marked('Book')
  @Entity(options)
  class Book extends Deletable {
    @Property({ type: 'string', nullable: true })
    slug?: string | null;

    @Property({ type: 'number', default: 0, onUpdate: (book: Book) => (book.updates ?? 0) + 1 })
    updates = 0;

    @ManyToOne(() => Author)
    author!: Author;

    @OneToMany(() => Chapter, (chapter) => chapter.book, { orphanRemoval: true })
    chapters = new Collection<Chapter>(this);

    @OneToMany(() => Review, (review) => review.book)
    reviews = new Collection<Review>(this);

    @OneToMany(() => Note, (note) => note.book)
    notes = new Collection<Note>(this);

    @OneToOne(() => Cover, (cover) => cover.book, { orphanRemoval: true })
    cover?: Cover | null;

    @ManyToMany(() => Tag, (tag) => tag.books, { owner: true })
    tags = new Collection<Tag>(this);
  }

  @marked('Chapter')
  @Entity(options)
  class Chapter extends Deletable {
    @ManyToOne(() => Book, { nullable: true })
    book?: Book | null;
  }

  @marked('Review')
  @Entity(options)
  class Review extends Deletable {
    @ManyToOne(() => Book, { nullable: true })
    book?: Book | null;
  }

  @Entity()
  class Note extends Base {
    @ManyToOne(() => Book, { nullable: true })
    book?: Book | null;
  }

  @marked('Cover')
  @Entity(options)
  class Cover extends Deletable {
    @OneToOne(() => Book, (book) => book.cover, { owner: true, unique: false })
    book!: Book;
  }

  @marked('Tag')
  @Entity(options)
  class Tag extends Deletable {
    @ManyToMany(() => Book, (book) => book.tags)
    books = new Collection<Book>(this);
  }

  return { Author, Book, Chapter, Review, Note, Cover, Tag };
}

/** Both are of PostgreSQL, so every way of soft deletion gets them. */
export const UNIQUE_INDEXES =
  'create unique index book_slug_active on book (slug) where deleted_at is null;' +
  'create unique index cover_book_active on cover (book_id) where deleted_at is null;';

/** One author of two books; the first has two chapters, a review, a note, a cover and a tag, and a chapter deleted long ago. */
export const SEED = `
  truncate author, book, chapter, review, note, cover, tag, book_tags;
  insert into author (id, name) values (1, 'Ada');
  insert into book (id, name, slug, author_id) values (1, 'one', 'one', 1), (2, 'two', 'two', 1);
  insert into chapter (id, name, book_id, deleted_at) values (1, 'first', 1, null), (2, 'second', 1, null), (3, 'old', 1, '2020-01-01');
  insert into review (id, name, book_id) values (1, 'good', 1);
  insert into note (id, name, book_id) values (1, 'mind', 1);
  insert into cover (id, name, book_id) values (1, 'red', 1);
  insert into tag (id, name) values (1, 'new'), (2, 'blue');
  insert into book_tags (book_id, tag_id) values (1, 1), (1, 2);
  select setval('author_id_seq', 100), setval('book_id_seq', 100), setval('chapter_id_seq', 100), setval('review_id_seq', 100),
    setval('note_id_seq', 100), setval('cover_id_seq', 100), setval('tag_id_seq', 100);
`;
