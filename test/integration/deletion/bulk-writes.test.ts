import { inScope } from '../../support/in-scope.js';
import { Book, Chapter } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

describe.each(['with', 'only', 'active'] as const)('bulk writes in a request under the scope %s', (scope) => {
  const library = useLibrary();

  beforeEach(async () => {
    await library.plant();
    await library.database.query("update book set deleted_at = '2020-01-01' where id = 1");
  });

  const titles = async () => (await library.rows('book')).map(({ title }) => title);

  it.each([
    ['repository.nativeUpdate()', () => library.repo(Book).nativeUpdate({}, { title: 'new' })],
    ['em.nativeUpdate()', () => library.em.nativeUpdate(Book, {}, { title: 'new' })],
    [
      'em.nativeUpdate() by a reference',
      () => library.em.nativeUpdate(Book, { author: { name: ['Ada', 'Bob'] } }, { title: 'new' }),
    ],
    ['em.nativeUpdate() by a key', () => library.em.nativeUpdate(Book, [1, 2, 3] as never, { title: 'new' })],
  ])('%s reaches active rows only', async (_name, update) => {
    expect(await inScope(library.em, scope, update)).toBe(2);
    expect(await titles()).toEqual(['one', 'new', 'new']);
  });

  it('em.nativeUpdate() sees active members only', async () => {
    await library.database.query("update chapter set deleted_at = '2020-01-01' where id = 2");
    const update = () => library.em.nativeUpdate(Book, { chapters: { title: { $ne: '' } } }, { title: 'new' });
    expect(await inScope(library.em, scope, update)).toBe(1);
    expect(await titles()).toEqual(['one', 'two', 'new']);
  });

  it('repository.nativeDelete() keeps what is deleted already as it is', async () => {
    expect(await inScope(library.em, scope, () => library.repo(Book).nativeDelete({}))).toBe(2);
    expect((await library.rows('book'))[0].deleted_at).toEqual(new Date('2020-01-01'));
  });

  it('softDelete() does so', async () => {
    const { affected } = await inScope(library.em, scope, () => library.repo(Chapter).softDelete({ book: 1 }));
    expect(affected).toEqual({ Chapter: 1 });
    expect((await library.rows('book'))[0].deleted_at).toEqual(new Date('2020-01-01'));
  });
});
