import '../model/without-neighbours.js';
import { Mark, modelEntities } from '../model/model-entities.js';
import { installSoftDelete, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

describe(installSoftDelete.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm(modelEntities);
  });

  beforeEach(() =>
    test.database.query("truncate mark; insert into mark (id, handle, name) values (1, 1, 'a'), (2, 2, 'b')"),
  );

  afterAll(() => test.close());

  const times = () => test.database.query('select name, deleted_at::text from mark order by id');

  it.each([{ door: 'flush' }, { door: 'repository' }])(
    'leaves a deleted bare reference in its unit when it is changed: $door',
    async ({ door }) => {
      const em = test.orm.em.fork({ flushMode: 'commit' });
      const mark = em.getReference(Mark, 1);
      if (door === 'flush') {
        await em.remove(mark).flush();
      } else {
        await (em.getRepository(Mark) as unknown as SoftDeleteRepository<Mark>).softDelete([1, 2]);
      }
      const before = await times();
      mark.name = 'changed';
      await em.flush();
      expect(await times()).toEqual([{ ...before[0], name: 'changed' }, before[1]]);
    },
  );

  it('does not delete again what somebody else has restored when a bare reference is changed', async () => {
    const em = test.orm.em.fork({ flushMode: 'commit' });
    const mark = em.getReference(Mark, 1);
    await (em.getRepository(Mark) as unknown as SoftDeleteRepository<Mark>).softDelete(1);
    await test.database.query('update mark set deleted_at = null');
    mark.name = 'changed';
    await em.flush();
    expect(await times()).toEqual([
      { name: 'changed', deleted_at: null },
      { name: 'b', deleted_at: null },
    ]);
  });

  it('writes nothing that was set on a bare reference before it was removed, then or later', async () => {
    const em = test.orm.em.fork({ flushMode: 'commit' });
    const mark = em.getReference(Mark, 1);
    mark.name = 'changed';
    em.remove(mark);
    await em.flush();
    expect(await times()).toMatchObject([{ name: 'a', deleted_at: expect.any(String) }, { name: 'b' }]);
    test.statements.length = 0;
    await em.flush();
    expect(test.statements).toEqual([]);
    await em.refresh(mark, { filters: false });
    expect(mark.name).toBe('a');
  });
});
