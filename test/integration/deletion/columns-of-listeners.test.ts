import type { EventArgs, EventSubscriber } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Book } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

const POSITIONS = ['before', 'after'] as const;

/** Writes one more column with every update. */
class Retitling implements EventSubscriber<Book> {
  getSubscribedEntities() {
    return [Book];
  }

  beforeUpdate({ entity }: EventArgs<Book>): void {
    entity.title = `${entity.title}!`;
  }
}

describe.each(POSITIONS)('what a listener registered %s ours writes with a deletion', (position) => {
  const library = useLibrary(position === 'before' ? { subscribers: [new Retitling()] } : {});

  beforeAll(() => {
    if (position === 'after') {
      library.orm.em.getEventManager().registerSubscriber(new Retitling());
    }
  });

  beforeEach(() => library.plant());

  const removeBoth = async (em: EntityManager) => {
    const books = await em.find(Book, [1, 2], { orderBy: { id: 1 } });
    books.forEach((book) => em.remove(book));
    await em.flush();
    return books;
  };
  const titles = async () => (await library.rows('book')).slice(0, 2).map(({ title }) => title);

  it('is in the row and in memory, and is not written again', async () => {
    const em = library.fork();
    const before = await titles();
    const books = await removeBoth(em);
    expect(await titles()).toEqual(before.map((title) => `${title}!`));
    expect(books.map(({ title }) => title)).toEqual(await titles());
    library.statements.length = 0;
    await em.flush();
    expect(library.statements).toEqual([]);
  });

  it('is taken back with a deletion that is rolled back', async () => {
    const em = library.fork();
    const before = await titles();
    let books: Book[] = [];
    await em
      .transactional(async (tx) => {
        books = await removeBoth(tx);
        throw new Error('rolled back');
      })
      .catch(() => undefined);
    expect(await titles()).toEqual(before);
    expect(books.map(({ title }) => title)).toEqual(before);
    library.statements.length = 0;
    await em.flush();
    expect(library.statements).toEqual([]);
  });
});
