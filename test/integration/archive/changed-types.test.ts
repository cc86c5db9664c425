import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { raw } from '@mikro-orm/postgresql';
import { SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Sheet {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string', nullable: true })
  a?: string | null;
}

describe('archived rows whose types have changed', () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm([Sheet, ...complianceEntities()]);
    await test.database.query(`insert into sheet (id, a) values (1, 'a1')`);
    await (test.orm.em.fork().getRepository(Sheet) as any).softDelete(1);
  });
  afterEach(() => test.close());

  it.each([
    [
      'of an enum has another name',
      `create type mood as enum ('sad', 'ok')`,
      `alter type mood rename value 'sad' to 'low'`,
      'sad',
    ],
    [
      'in a list of an enum has another name',
      `create type mood as enum ('sad', 'ok')`,
      `alter type mood rename value 'sad' to 'low'`,
      '{ok,sad}',
    ],
    [
      'of a domain over a domain is not allowed',
      `create domain word as text; create domain mood as word`,
      `alter domain word add check (value <> 'sad')`,
      'sad',
    ],
    [
      'of an amount has other decimals',
      `create domain mood as numeric(8,3)`,
      `alter table sheet alter mood type numeric(8,2)`,
      '1.234',
    ],
    [
      'of an amount of money is a number',
      `create domain mood as money`,
      `alter table sheet alter mood type numeric using 0`,
      '1,234.50',
    ],
  ])('are refused where a value %s', async (what, create, change, value) => {
    const type = what.startsWith('in a list') ? 'mood[]' : 'mood';
    await test.database.query(
      `${create}; alter table sheet add mood ${type}; insert into sheet (id, mood) values (2, '${value}')`,
    );
    await (test.orm.em.fork().getRepository(Sheet) as any).softDelete(2);
    await test.database.query(change);
    const repo: any = test.orm.em.fork().getRepository(Sheet);
    for (const where of [2, {}]) {
      const { conflicts } = await repo.restore(where, { dryRun: true });
      expect(conflicts).toEqual([{ reason: 'schema', entity: 'Sheet', key: 2, column: 'mood' }]);
    }
    expect((await repo.restore(1)).total).toBe(1);
    expect(await test.database.query('select id from sheet')).toEqual([{ id: 1 }]);
  });

  it('come back with amounts of money, and mean the session that asks, whatever its locale is', async () => {
    await test.database.query(
      `alter table sheet add price money; insert into sheet (id, price) values (2, '-1234567.89')`,
    );
    await test.orm.em.fork().transactional(async (em) => {
      await em.execute(`set local lc_monetary = 'C.utf8'`);
      const inLocale = raw(`current_setting('lc_monetary')`);
      expect(await (em.getRepository(Sheet) as any).softDelete({ a: null, [inLocale]: 'C.utf8' })).toMatchObject({
        total: 1,
      });
      expect(await em.execute('show lc_monetary')).toEqual([{ lc_monetary: 'C.utf8' }]);
    });
    await (test.orm.em.fork().getRepository(Sheet) as any).restore(2);
    expect(await test.database.query('select price::numeric as price from sheet')).toEqual([{ price: '-1234567.89' }]);
  });
});
