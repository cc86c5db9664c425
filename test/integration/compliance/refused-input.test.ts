import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, createCompliance, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { getInstallation } from '../../../lib/installation/installation.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@PersonalData({ subject: true })
@SoftDeletable()
@Entity({ tableName: 'numbered' })
class Numbered extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@PersonalData({ subject: true })
@SoftDeletable()
@Entity({ tableName: 'identified' })
class Identified extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid' })
  id!: string;
}

@PersonalData({ subject: true })
@SoftDeletable()
@Entity({ tableName: 'dated' })
class Dated extends SoftDeletableEntity {
  @PrimaryKey({ type: 'date' })
  day!: string;

  @PrimaryKey({ type: 'bigint' })
  number!: string;
}

describe('What no database could read', () => {
  let test: TestOrm;
  let compliance: ReturnType<typeof createCompliance>;
  const UUID = '9b2f2c50-6a4e-4d0e-9b38-3a3f1f6f2f11';

  beforeAll(async () => {
    test = await createTestOrm([Numbered, Identified, Dated, ...complianceEntities()]);
    compliance = createCompliance(test.orm);
    await test.database.query(`insert into numbered values (1); insert into identified values ('${UUID}')`);
  });
  afterAll(() => test.close());

  const KEYS: [new () => object, unknown][] = [
    ...['abc', 3_000_000_000, 1.5, Number.NaN, '', [], [1, 2], true, '1\0', Infinity, new Date(), {}].map(
      (key): [new () => object, unknown] => [Numbered, key],
    ),
    ...['abc', 7, '', `${UUID}0`, UUID.replace('9', 'g')].map((key): [new () => object, unknown] => [Identified, key]),
    ...[
      ['2025-01-01'],
      ['soon', '1'],
      ['2025-01-01', '9223372036854775808'],
      '2025-01-01',
      ['2025-01-01', '1', '2'],
    ].map((key): [new () => object, unknown] => [Dated, key]),
  ];

  it.each(KEYS)('is no key of %p: %p', async (entity, key) => {
    const { log, holds, erasures } = compliance;
    for (const ask of [
      () => log.of(entity, key as never),
      () => holds.of(entity, key),
      () => holds.place({ name: 'n', reason: 'r', on: [[entity, key]] }),
      () => erasures.plan(entity, key as never),
      () => erasures.erase(entity, key as never),
      () => erasures.request(entity, key as never),
    ]) {
      await expect(ask()).rejects.toMatchObject({
        code: 'SOFT_DELETE_CONFIG',
        message: expect.stringContaining(`is no key of ${entity.name}`),
      });
    }
    expect(await test.database.query('select 1 from erasure union all select 1 from legal_hold')).toEqual([]);
  });

  it('leaves the transaction around it as it is', async () => {
    await test.orm.em.fork().transactional(async (em) => {
      await expect(compliance.log.of(Numbered, 'abc' as never)).rejects.toThrow('is no key of Numbered');
      await expect(compliance.holds.of(Identified, 'abc')).rejects.toThrow('is no key of Identified');
      expect(await em.execute('select 1 as one')).toEqual([{ one: 1 }]);
    });
  });

  it('reads keys that are written in another way', async () => {
    const { erasures } = compliance;
    expect(await erasures.plan(Identified, `{${UUID.toUpperCase().replaceAll('-', '')}}`)).toMatchObject({
      subject: { key: UUID },
    });
    expect(await erasures.plan(Numbered, '1' as never)).toMatchObject({ subject: { key: 1 } });
  });

  it('is no reason and nobody', async () => {
    const repository = test.orm.em.fork().getRepository(Numbered) as unknown as SoftDeleteRepository<Numbered>;
    const { holds, erasures, log } = compliance;
    const bad = 'a\0b';
    for (const write of [
      () => repository.softDelete(1, { reason: bad }),
      () => repository.softDelete(1, { actor: bad }),
      () => repository.hardDelete(1, { reason: bad }),
      () => holds.place({ name: bad, reason: 'r', on: [[Numbered, 1]] }),
      () => holds.place({ name: 'n', reason: bad, on: [[Numbered, 1]] }),
      () => erasures.request(Numbered, 1, { reason: bad }),
      () => erasures.extend(1, bad),
      () => log.find({ actor: bad }),
    ]) {
      await expect(write()).rejects.toMatchObject({
        code: 'SOFT_DELETE_CONFIG',
        message: expect.stringContaining('has a NUL character in it'),
      });
    }
    expect(await test.database.query('select deleted_at from numbered')).toEqual([{ deleted_at: null }]);
  });

  it.each([
    [7, '7'],
    [7n, '7'],
    [null, null],
    ['ada', 'ada'],
  ])('an actor %p is %p', async (actor, recorded) => {
    const installation = getInstallation(test.orm.em);
    installation.actor = () => actor as never;
    const repository = test.orm.em.fork().getRepository(Numbered) as unknown as SoftDeleteRepository<Numbered>;
    await repository.softDelete(1);
    await repository.restore(1);
    const actors = await test.database.query('select distinct actor from deletion_record order by 1');
    expect(actors.map((row) => row.actor)).toContain(recorded);
  });

  it.each([[Promise.resolve('ada')], [{ id: 7 }], [true], ['a\0']])('an actor is not %p', async (actor) => {
    const installation = getInstallation(test.orm.em);
    installation.actor = () => actor as never;
    const em = test.orm.em.fork();
    const repository = em.getRepository(Numbered) as unknown as SoftDeleteRepository<Numbered>;
    await expect(repository.softDelete(1)).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
    em.remove(await em.findOneOrFail(Numbered, 1));
    await expect(em.flush()).rejects.toThrow('it is not awaited');
    expect(await test.database.query('select deleted_at from numbered')).toEqual([{ deleted_at: null }]);
  });
});
