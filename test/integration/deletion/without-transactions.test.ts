import { SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { Author, Draft, Note, Tag } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe('a flush without a transaction', () => {
  const library = useLibrary({ implicitTransactions: false });

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

  it('writes whatever deletes nothing, and deletes in a transaction', async () => {
    library.em.create(Note, { text: 'new' } as never);
    await library.em.flush();
    await library.em.transactional(async (em) => em.remove(await em.findOneOrFail(Tag, 1)));

    expect((await library.contents())['note']).toHaveLength(2);
    await expect(library.deleted('tag')).resolves.toEqual([true, false]);
  });
});
