import type { EntityManager } from '@mikro-orm/postgresql';
import { createPurge, installSoftDelete, softDelete, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, ReasonRequiredError, withDeletionContext } from 'nestjs-mikro-orm-soft-delete/compliance';
import { LIBRARY, Tag } from '../../support/library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

describe(ReasonRequiredError.name, () => {
  let test: TestOrm;
  let em: EntityManager;

  beforeAll(async () => {
    test = await createTestOrm([...LIBRARY, ...complianceEntities()], {}, { log: { reason: 'required' } });
  });
  beforeEach(async () => {
    await test.database.query(`
      truncate tag, deletion_record restart identity cascade;
      insert into tag (name) values ('red'), ('blue'); update tag set deleted_at = now() - interval '1 day' where id = 2`);
    em = test.orm.em.fork() as EntityManager;
    test.statements.length = 0;
  });
  afterAll(() => test.close());

  const tags = () => em.getRepository(Tag) as unknown as SoftDeleteRepository<Tag>;
  const doors: [string, () => Promise<unknown>][] = [
    ['softDelete()', () => tags().softDelete(1)],
    ['nativeDelete()', () => tags().nativeDelete({ name: 'red' })],
    ['hardDelete()', () => tags().hardDelete(1)],
    ['restore()', () => tags().restore(2)],
    ['restoreOrCreate()', () => tags().restoreOrCreate({ name: 'blue' }, { name: 'blue' } as never)],
    ['a flush', async () => em.remove(em.getReference(Tag, 1)).flush()],
  ];

  it.each(doors)('refuses %s without a reason before anything is written', async (_door, act) => {
    await expect(act()).rejects.toMatchObject({
      code: 'REASON_REQUIRED',
      message: expect.stringContaining('withDeletionContext'),
    });
    expect(test.statements.filter((sql) => /^(update|delete|insert)/i.test(sql))).toEqual([]);
    expect(await test.database.query('select id from tag where deleted_at is null')).toEqual([{ id: 1 }]);
  });

  it.each(doors)('lets %s pass with one', async (_door, act) => {
    await withDeletionContext({ reason: 'because' }, act);
    expect(await test.database.query('select reason from deletion_record')).toEqual([{ reason: 'because' }]);
  });

  it('is not for previews and purges', async () => {
    await tags().softDelete(1, { dryRun: true });
    const report = await createPurge(test.orm, { retention: '1h' }).run({ entities: [Tag] });
    expect(report.total).toBe(1);
  });

  it('may be made optional again, and is as little as nothing where nothing is recorded', async () => {
    installSoftDelete(test.orm, { log: { reason: 'optional' } });
    await tags().softDelete(1);
    installSoftDelete(test.orm, { log: { reason: 'required' } });
    await expect(createTestOrm(LIBRARY, {}, { log: { reason: 'required' } })).rejects.toThrow('complianceEntities()');
    expect(() => softDelete({ log: { reason: 'always' as never } })).toThrow('log.reason');
    expect(() => softDelete({ log: { retain: '1y' } as never })).toThrow('log.retain');
  });
});
