import { NotFoundError, RequestContext } from '@mikro-orm/core';
import { ErasureService } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Customer, Order, Review, Ticket } from './shop.entities.js';
import { PLANT, useErasures } from './use-erasures.js';

/** What the rows of Ada have said. */
const OF_ADA = [
  'ada@example.org',
  'Lovelace',
  '7946 0958',
  'likes engines',
  'countess',
  '203.0.113.7',
  'Ockham Park',
  'Byron',
  'Wear a scarf',
  'Come to tea',
  'analytical engine',
  'so loud today',
  'noise-recording',
];

describe(`${ErasureService.name}.erase()`, () => {
  const test = useErasures();
  const dump = async () => {
    const tables = ['customer', 'purchase', 'line', 'review', 'picture', 'message', 'visit', 'ticket', 'attachment'];
    return Promise.all(
      [...tables, 'deletion_archive', 'deletion_record', 'erasure'].map((table) =>
        test.rows(`select to_jsonb(t) as row from ${table} as t order by to_jsonb(t)::text`),
      ),
    );
  };

  beforeEach(async () => {
    await test.rows(PLANT);
    await test.repo(Ticket).softDelete(1, { reason: 'Ada Lovelace has written twice', actor: 'ada@example.org' });
  });

  it('leaves nothing of a person in any column of any table, and certifies it', async () => {
    await test.repo(Order).softDelete(1, { actor: 'Ada@Example.org', reason: 'asked by ADA@example.org' });
    const certificate = await test.erasures.erase(Customer, 1, { reason: 'Art. 17' });
    expect(certificate).toEqual({
      id: expect.any(Number),
      subject: { entity: 'Customer', key: 1 },
      requestedAt: expect.any(Date),
      dueAt: expect.any(Date),
      finishedAt: expect.any(Date),
      onTime: true,
      outcome: 'completed',
      residue: 0,
      entities: [
        { entity: 'Attachment', deleted: 2, overwritten: 0, fields: [], kept: [], held: [] },
        {
          entity: 'Customer',
          deleted: 0,
          overwritten: 1,
          fields: ['email', 'name', 'phone', 'notes', 'lastIp'],
          kept: [],
          held: [],
        },
        { entity: 'Line', deleted: 0, overwritten: 2, fields: ['engraving'], kept: [], held: [] },
        { entity: 'Message', deleted: 0, overwritten: 1, fields: ['body'], kept: [], held: [] },
        { entity: 'Order', deleted: 0, overwritten: 2, fields: ['shipTo'], kept: [], held: [] },
        { entity: 'Picture', deleted: 1, overwritten: 0, fields: [], kept: [], held: [] },
        { entity: 'Review', deleted: 2, overwritten: 0, fields: [], kept: [], held: [] },
        { entity: 'Ticket', deleted: 0, overwritten: 2, fields: ['question', 'answer'], kept: [], held: [] },
      ],
    });
    for (const text of OF_ADA) {
      expect([text, await test.tablesWith(text)]).toEqual([text, []]);
    }
    expect(await test.rows('select email, name, phone, notes, last_ip, version from customer where id = 1')).toEqual([
      {
        email: expect.stringMatching(/^erased-[0-9a-f]{16}@erased\.invalid$/),
        name: '[erased]',
        phone: null,
        notes: null,
        last_ip: null,
        version: 2,
      },
    ]);
  });

  it('leaves what belongs to others: who was referred, a reply, a message received', async () => {
    const ofBob = () =>
      Promise.all([
        test.rows('select * from customer where id = 2'),
        test.rows('select * from purchase where customer_id = 2'),
        test.rows('select id, author_id, text from review where author_id = 2 order by id'),
        test.rows('select * from message where sender_id = 2 order by id'),
        test.rows('select * from ticket where customer_id = 2'),
        test.rows('select * from attachment where ticket_id = 3'),
        test.rows('select * from picture where review_id = 3'),
      ]);
    const before = await ofBob();
    await test.erasures.erase(Customer, 1);
    expect(await ofBob()).toEqual(before);
    expect(await test.rows('select id, in_reply_to_id from review order by id')).toEqual([
      { id: 2, in_reply_to_id: null },
      { id: 3, in_reply_to_id: null },
    ]);
    expect(await test.rows('select id, sender_id, recipient_id, body from message order by id')).toMatchObject([
      { sender_id: 1, recipient_id: 2, body: '[erased]' },
      { body: 'With the greatest pleasure' },
      {},
    ]);
  });

  it('is recorded with keys, and takes the person out of the records', async () => {
    await test.erasures.erase(Customer, 1, { reason: 'on demand of ada@example.org' });
    const records = await test.rows(
      'select action, entity, count, keys, actor, reason from deletion_record order by id',
    );
    expect(records[0]).toMatchObject({
      action: 'archived',
      entity: 'Ticket',
      actor: expect.stringMatching(/^erased-[0-9a-f]{16}$/),
      reason: '[erased] has written twice',
    });
    expect(records.filter(({ action }) => action === 'erased')).toContainEqual({
      action: 'erased',
      entity: 'Customer',
      count: '1',
      keys: [['1']],
      actor: 'clerk',
      reason: 'on demand of [erased]',
    });
    expect(await test.log.of(Customer, 1)).toMatchObject([{ action: 'erased', keys: [1] }]);
    expect(await test.log.of(Review, 4)).toMatchObject([{ action: 'erased', count: 2 }]);
    expect(await test.rows('select reason from erasure')).toEqual([{ reason: 'on demand of [erased]' }]);
  });

  it('is all that may change a record, and nothing but a name or a reason', async () => {
    await test.rows(`insert into legal_hold (name, reason) values ('n', 'r')`);
    const allowed = (sql: string) =>
      test.rows(`begin; select set_config('soft_delete.pseudonymise', 'allowed', true); ${sql}; commit`);
    await expect(test.rows(`update deletion_record set actor = 'erased-1'`)).rejects.toThrow('Refused to update');
    for (const sql of [
      'update deletion_record set count = 7',
      `update deletion_record set actor = 'mallory'`,
      `update deletion_record set reason = 'another one'`,
      'delete from deletion_record',
      `update legal_hold set name = 'x'`,
    ]) {
      await expect(allowed(sql)).rejects.toThrow('Refused to');
      await test.rows('rollback');
    }
    await allowed(`update deletion_record set actor = 'erased-1', reason = 'as [erased] said'`);
    expect(await test.rows('select distinct actor, reason from deletion_record')).toEqual([
      { actor: 'erased-1', reason: 'as [erased] said' },
    ]);
  });

  it('takes the person out of rows of others that the person has deleted', async () => {
    await test.repo(Customer).softDelete(2, { actor: 'ada@example.org' });
    await test.repo(Customer).softDelete(1, { actor: 'bob@example.org' });
    expect(await test.erasures.erase(Customer, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await test.tablesWith('ada@example.org')).toEqual([]);
    expect(await test.rows('select deleted_by from customer order by id')).toEqual([
      { deleted_by: 'bob@example.org' },
      { deleted_by: expect.stringMatching(/^erased-[0-9a-f]{16}$/) },
    ]);
  });

  it('changes nothing when it is asked for again', async () => {
    const first = await test.erasures.erase(Customer, 1);
    const before = await dump();
    expect(await test.erasures.erase(Customer, 1)).toEqual({ ...first });
    const after = await dump();
    // When it was checked is all that changes.
    after.at(-1)![0].row.checked_at = null;
    expect(after).toEqual(before);
  });

  it('says beforehand what it would do, and writes nothing', async () => {
    const before = await dump();
    const plan = await test.erasures.plan(Customer, 1);
    expect(await dump()).toEqual(before);
    const { entities, outcome, residue, subject } = await test.erasures.erase(Customer, 1);
    expect(plan).toEqual({ entities, outcome, residue, subject });
  });

  it('is undone with the transaction around it, in memory as well', async () => {
    const em = test.fork();
    const ada = await em.findOneOrFail(Customer, 1);
    const before = await dump();
    await em
      .transactional(async () => {
        await test.erasures.erase(Customer, 1);
        throw new Error('no');
      })
      .catch(() => undefined);
    expect(await dump()).toEqual(before);
    expect(ada.name).toBe('Ada Lovelace');
  });

  it('tells memory, so that no flush brings anything back', async () => {
    await RequestContext.create(test.orm.em, async () => {
      const em = RequestContext.getEntityManager()!;
      const ada = await em.findOneOrFail(Customer, 1);
      const order = await em.findOneOrFail(Order, 1);
      const reviews = await em.find(Review, {});
      ada.phone = 'changed, and not flushed';
      await test.erasures.erase(Customer, 1);
      expect(ada).toMatchObject({ name: '[erased]', phone: null, version: 2 });
      expect(order.shipTo).toBeNull();
      expect(await em.findOne(Review, 1)).toBeNull();
      expect(reviews[1]!.inReplyTo).toBeNull();
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
    });
  });

  it('works on a person that is deleted, and one whose rows alone are', async () => {
    await test.repo(Customer).softDelete(1);
    expect(await test.erasures.erase(Customer, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
    expect(await test.tablesWith('Lovelace')).toEqual([]);
    expect(await test.rows('select deleted_at is not null as deleted from customer order by id')).toEqual([
      { deleted: true },
      { deleted: true },
    ]);
  });

  it('knows nobody by a key that does not exist', async () => {
    await expect(test.erasures.erase(Customer, 99)).rejects.toThrow(NotFoundError);
    await expect(test.erasures.plan(Customer, 99)).rejects.toThrow(NotFoundError);
    expect(await test.rows('select 1 from erasure')).toEqual([]);
  });

  it('says what it finds where nobody has declared anything personal', async () => {
    await test.rows(`update visit set payload = '{"by": "Ada Lovelace"}' where id = 1`);
    await test.rows(`update purchase set status = 'ada@example.org' where id = 2`);
    expect(await test.erasures.plan(Customer, 1)).toMatchObject({ outcome: 'partial', residue: 2 });
    expect(await test.erasures.erase(Customer, 1)).toMatchObject({ outcome: 'partial', residue: 2 });
    // The values are nowhere else by now: what has not changed since still counts.
    await test.rows(`update purchase set status = 'new' where id = 2`);
    expect(await test.erasures.erase(Customer, 1)).toMatchObject({ outcome: 'partial', residue: 1 });
    await test.rows('update visit set payload = null');
    expect(await test.erasures.erase(Customer, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
  });
});
