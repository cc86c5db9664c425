import { defineEntity, p } from '@mikro-orm/core';
import { softDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const Subscriber = softDeletable(
  defineEntity({
    name: 'Subscriber',
    properties: { id: p.integer().primary(), email: p.text(), code: p.string().length(20) },
  }),
  { strategy: 'archive' },
);

describe('A search of the archive', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Subscriber, ...complianceEntities()] as never);
    await test.database.query(`
      insert into subscriber select n, 'mail' || n || '@example.com', 'c' || n from generate_series(1, 20000) as n`);
    await repo().softDelete({});
    await test.database.query(`
      create index archived_email on deletion_archive ((data ->> 'email')) where part = 'Subscriber';
      create index archived_code on deletion_archive (((data ->> 'code')::varchar(20))) where part = 'Subscriber';
      analyze deletion_archive`);
  });
  afterAll(() => test.close());

  const repo = () => test.orm.em.fork().getRepository(Subscriber as never) as unknown as SoftDeleteRepository<any>;
  /** How many rows the plans of the statements that were sent to the archive would read, by their nodes. */
  const plan = async () => {
    const [sql] = test.statements.filter((text) => /deletion_archive" as a\s+cross join/.test(text));
    const [row] = await test.database.query(`explain (format json) ${sql!.replace(/ -- .*$/s, '')}`);
    return JSON.stringify(row);
  };

  it.each([
    ['email', 'archived_email', { email: 'mail7@example.com' }],
    ['code', 'archived_code', { code: 'c8' }],
    ['id', 'deletion_archive_pkey', { id: 9 }],
  ])('by %s reads an index, to read and to restore', async (_name, index, condition) => {
    for (const ask of [() => repo().onlyDeleted().find(condition), () => repo().restore(condition)]) {
      test.statements.length = 0;
      await ask();
      const planned = await plan();
      expect(planned).toContain(index);
      expect(planned).not.toContain('Seq Scan');
    }
    expect(await test.database.query('select count(*)::int as n from subscriber')).not.toEqual([{ n: 0 }]);
  });
});
