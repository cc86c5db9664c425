import { DeletionRestrictedError, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { Author, Book, Draft, Note, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

const CONFIGURATIONS = [
  ['implicitTransactions', { implicitTransactions: false }],
  ['disableTransactions', { disableTransactions: true }],
] as const;

describe.each(CONFIGURATIONS)('a flush without a transaction, as of %s', (option, configuration) => {
  const library = useLibrary(configuration);

  beforeEach(() => library.plant());

  it.each([
    ['an entity is removed', async () => void library.em.remove(await library.em.findOneOrFail(Tag, 1))],
    ['an unloaded collection is emptied', async () => (await library.em.findOneOrFail(Author, 1)).drafts.removeAll()],
    [
      'an unloaded collection is replaced',
      async () => (await library.em.findOneOrFail(Author, 1)).drafts.set([library.em.getReference(Draft, 1)]),
    ],
  ])('is refused before it writes anything, where %s', async (_name, change) => {
    const before = await library.contents();
    library.em.create(Note, { text: 'new' } as never);
    await change();

    await expect(library.em.flush()).rejects.toThrow(SoftDeleteConfigError);

    await expect(library.contents()).resolves.toEqual(before);
    await expect(library.deleted('draft')).resolves.toEqual([false, false]);
    await expect(library.deleted('tag')).resolves.toEqual([false, false]);
  });

  it('writes whatever deletes nothing', async () => {
    library.em.create(Note, { text: 'new' } as never);
    await library.em.flush();

    expect((await library.contents())['note']).toHaveLength(2);
  });

  it('leaves the operations of the repository, which have a transaction of their own', async () => {
    const authors = library.repo(Author);
    const author = await library.em.findOneOrFail(Author, 1);

    expect(await authors.softDelete(1)).toMatchObject({ affected: { Author: 1, Book: 2, Chapter: 2 } });
    expect(author.deletedAt).toBeInstanceOf(Date);
    expect(await authors.restore(1)).toMatchObject({ affected: { Author: 1, Book: 2, Chapter: 2 } });
    await expect(library.deleted('chapter')).resolves.toEqual([false, false, false]);
    await library.database.query('insert into loan (author_id) values (1)');
    await expect(authors.softDelete(1)).rejects.toThrow(DeletionRestrictedError);
    await expect(library.deleted('chapter')).resolves.toEqual([false, false, false]);
    expect(await library.repo(Book).hardDelete(1)).toBe(2);
  });

  it(`deletes in em.transactional(), or says why it does not: ${option}`, async () => {
    const work = library.em.transactional(async (em) => em.remove(await em.findOneOrFail(Tag, 1)).flush());

    const isDisabled = option === 'disableTransactions';
    const refused = await work.then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(refused).toEqual(isDisabled ? expect.stringMatching(/^disableTransactions: .*softDelete\(\)/) : undefined);
    await expect(library.deleted('tag')).resolves.toEqual([!isDisabled, false]);
  });
});
