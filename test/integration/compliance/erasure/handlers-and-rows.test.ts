import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EntityManager, Rel } from '@mikro-orm/postgresql';
import { SoftDeletable, SoftDeletableEntity, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { ErasureService, PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { untilBlocked } from '../../../support/blocked.js';
import { useErasures } from './use-erasures.js';

@PersonalData<Guest>({ subject: true, fields: { name: null }, notPersonal: ['memo', 'wishes'] })
@SoftDeletable()
@Entity({ tableName: 'guest' })
class Guest extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  name?: string | null;

  @Property({ type: 'text', nullable: true })
  memo?: string | null;

  @Property({ type: 'text', nullable: true })
  wishes?: string | null;
}

/** Goes with either of two guests. */
@PersonalData<Letter>({ of: { sender: {}, recipient: {} }, erase: 'row' })
@SoftDeletable()
@Entity({ tableName: 'letter' })
class Letter extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Guest)
  sender!: Rel<Guest>;

  @ManyToOne(() => Guest)
  recipient!: Rel<Guest>;

  @Property({ type: 'text' })
  text!: string;
}

@PersonalData<Booking>({ of: 'guest', fields: { wish: null } })
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'booking' })
class Booking {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Guest)
  guest!: Rel<Guest>;

  @Property({ type: 'text', nullable: true })
  wish?: string | null;
}

describe(`Handlers of ${ErasureService.name} that change rows of the person`, () => {
  const test = useErasures([Guest, Letter, Booking]);
  let handle: (id: number, em: EntityManager) => Promise<unknown>;

  beforeAll(() =>
    test.erasures.onErase(Guest, async (rows, { em }) => {
      for (const { id } of rows) {
        await handle(id, em as EntityManager);
      }
    }),
  );
  beforeEach(() =>
    test.rows(`insert into guest (id, name) values (1, 'Ada Lovelace'), (2, 'Bob Babbage');
      insert into letter (sender_id, recipient_id, text) values (1, 2, 'Come to tea on Thursday'), (2, 1, 'With pleasure'), (2, 2, 'Buy tea');
      insert into booking (guest_id, wish) values (1, 'A quiet room for engines'), (2, 'A window')`),
  );
  /** How many rows of each entity the certificates and the records speak of. */
  const counted = async () => {
    const { erasures } = await test.erasures.status();
    const certified = erasures.map(({ subject, state, certificate }) => [
      `${subject.key as number} ${state}`,
      ...(certificate?.entities ?? []).map(({ entity, deleted, overwritten }) => `${entity} ${deleted + overwritten}`),
    ]);
    const recorded = await test.rows(
      `select string_agg(entity || ' ' || n, ', ' order by entity) as all from (select entity, sum(count) as n from deletion_record where action = 'erased' group by 1) as r`,
    );
    return [...certified, recorded[0]!.all];
  };
  const names = async () => (await test.rows('select name from guest order by id')).map(({ name }) => name);

  it('leave rows that the erasure of somebody else has removed to that one’s certificate and record', async () => {
    handle = async (id) => id === 1 && test.erasures.erase(Guest, 2);
    expect(await test.erasures.erase(Guest, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await counted()).toEqual([
      ['1 completed', 'Booking 1', 'Guest 1'],
      ['2 completed', 'Booking 1', 'Guest 1', 'Letter 3'],
      'Booking 2, Guest 2, Letter 3',
    ]);
    expect([await names(), await test.rows('select from letter')]).toEqual([[null, null], []]);
  });

  it('hide no copy of what they overwrite themselves', async () => {
    const text = 'A text of some length which is found as it is wherever else it stands '.repeat(5);
    await test.rows(`update guest set memo = 'Called ' || name, wishes = '${text}';
      update booking set wish = '${text}' where guest_id = 1`);
    handle = async (id, em) => {
      await em.execute(`update guest set name = 'x' where id = ${id}`);
      await em.execute(`update booking set wish = 'y' where guest_id = ${id}`);
      await (id === 1 && test.erasures.plan(Guest, 2));
    };
    expect(await test.erasures.erase(Guest, 1)).toMatchObject({ outcome: 'partial', residue: 2 });
    await test.rows('update guest set memo = null, wishes = null');
    expect(await test.erasures.erase(Guest, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
  });

  it('undo the erasure of somebody else where they throw', async () => {
    handle = async (id) => {
      if (id === 1) {
        await test.erasures.erase(Guest, 2);
        throw new Error('the processor does not answer');
      }
    };
    await expect(test.erasures.erase(Guest, 1)).rejects.toThrow('the processor does not answer');
    expect(await counted()).toEqual([['1 requested'], null]);
    expect([await names(), await test.rows('select from letter')]).toMatchObject([
      ['Ada Lovelace', 'Bob Babbage'],
      { length: 3 },
    ]);
  });

  it('have rows that they remove themselves counted once', async () => {
    handle = (id, em) => (em.getRepository(Letter) as unknown as SoftDeleteRepository<Letter>).hardDelete(id);
    await test.erasures.erase(Guest, 1);
    expect(await counted()).toEqual([
      ['1 completed', 'Booking 1', 'Guest 1', 'Letter 1'],
      'Booking 1, Guest 1, Letter 1',
    ]);
  });

  it('have rows erased that they archive or add', async () => {
    handle = async (id, em) => {
      await (em.getRepository(Booking) as unknown as SoftDeleteRepository<Booking>).softDelete(id);
      await em.insert(Booking, { id: 7, guest: id, wish: 'A piano' });
    };
    expect(await test.erasures.erase(Guest, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await test.rows(`select data ->> 'wish' as wish from deletion_archive`)).toEqual([{ wish: null }]);
    expect(await test.rows('select wish from booking where guest_id = 1')).toEqual([{ wish: null }]);
    expect(await counted()).toEqual([
      ['1 completed', 'Booking 2', 'Guest 1', 'Letter 2'],
      'Booking 2, Guest 1, Letter 2',
    ]);
  });

  it('are refused where they remove the person itself, and nothing is removed', async () => {
    handle = async (id, em) => {
      await em.execute('delete from letter');
      await em.execute('delete from booking');
      await em.execute(`delete from guest where id = ${id}`);
    };
    await expect(test.erasures.erase(Guest, 1)).rejects.toMatchObject({
      code: 'SOFT_DELETE_CONFIG',
      message: expect.stringContaining('a handler has removed the Guest itself'),
    });
    expect(await names()).toEqual(['Ada Lovelace', 'Bob Babbage']);
  });

  it('are refused where they withdraw the erasure', async () => {
    handle = async () => test.erasures.withdraw(1);
    await expect(test.erasures.erase(Guest, 1)).rejects.toMatchObject({
      code: 'SOFT_DELETE_CONFIG',
      message: expect.stringContaining('the erasure 1 was withdrawn before it was done'),
    });
    expect([await names(), await counted()]).toEqual([
      ['Ada Lovelace', 'Bob Babbage'],
      [['1 requested'], null],
    ]);
  });
});

describe(`${ErasureService.name}.erase()`, () => {
  const test = useErasures([Guest, Letter, Booking]);

  it('erases nothing of a request that is withdrawn while it waits for its turn', async () => {
    await test.rows(`insert into guest (id, name) values (1, 'Ada Lovelace')`);
    const other = test.fork();
    await other.begin();
    await other.execute('select pg_advisory_xact_lock(1701994867, 0)');
    const erasing = test.erasures.erase(Guest, 1);
    erasing.catch(() => undefined);
    await untilBlocked(test.database, erasing);
    await test.erasures.withdraw(1);
    await other.commit();
    await expect(erasing).rejects.toThrow('the erasure 1 was withdrawn before');
    expect(await test.erasures.status()).toMatchObject({ erasures: [{ state: 'withdrawn' }] });
    expect(await test.rows('select name from guest')).toEqual([{ name: 'Ada Lovelace' }]);
  });
});
