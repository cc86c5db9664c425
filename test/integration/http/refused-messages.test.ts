import { setTimeout } from 'node:timers/promises';
import { MikroORM, RequestContext } from '@mikro-orm/core';
import { Controller, type INestApplication, Logger, type LoggerService, UseFilters } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  InjectSoftDeleteRepository,
  RestoreConflictError,
  SoftDeleteExceptionFilter,
  SoftDeleteModule,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { LegalHoldError } from 'nestjs-mikro-orm-soft-delete/compliance';
import { from, type Observable } from 'rxjs';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule, Person } from '../nest/people.js';
import { listenForMessages, type MessageClients } from './message-clients.js';

@Controller()
@UseFilters(SoftDeleteExceptionFilter)
@WebSocketGateway()
class People {
  constructor(
    private readonly orm: MikroORM,
    @InjectSoftDeleteRepository(Person) private readonly people: SoftDeleteRepository<Person>,
  ) {}

  @MessagePattern('restore')
  @SubscribeMessage('restore')
  restore(@Payload() @MessageBody() id: number): Promise<unknown> {
    return RequestContext.create(this.orm.em, async () => this.people.restore(id));
  }

  @MessagePattern('restore-later')
  @SubscribeMessage('restore-later')
  restoreLater(@Payload() @MessageBody() id: number): Observable<unknown> {
    return from(this.restore(id));
  }

  @EventPattern('to-restore')
  async restoreUnasked(id: number): Promise<void> {
    await this.restore(id);
  }

  @MessagePattern('find')
  @SubscribeMessage('find')
  find(@Payload() @MessageBody() id: number): Promise<Person> {
    return RequestContext.create(this.orm.em, async () => this.people.findOneOrFail({ id, name: { $ne: 'a secret' } }));
  }

  @MessagePattern('held')
  @SubscribeMessage('held')
  held(): void {
    throw new LegalHoldError('Person', [{ id: 7, name: 'Miller ./. Smith' }], { Person: 1 });
  }

  @MessagePattern('large-key')
  @SubscribeMessage('large-key')
  largeKey(): void {
    throw new RestoreConflictError('Person', [
      {
        reason: 'parent-deleted',
        entity: 'Person',
        key: 9007199254740993n,
        constraint: 'Person.children',
        conflictingKey: 1n,
      },
    ]);
  }

  @MessagePattern('fine')
  @SubscribeMessage('fine')
  fine(): object {
    return { event: 'fine', data: 'fine' };
  }
}

describe(`${SoftDeleteExceptionFilter.name} on messages`, () => {
  let database: TestDatabase;
  let app: INestApplication;
  let clients: MessageClients;
  const logged: unknown[] = [];

  beforeAll(async () => {
    database = await createPeopleDatabase();
    await database.query(
      `create unique index person_name on person (name) where deleted_at is null; insert into person (name) values ('Bob')`,
    );
    const module = await Test.createTestingModule({
      imports: [mikroOrmModule(database), SoftDeleteModule.forRoot(), SoftDeleteModule.forFeature([Person])],
      controllers: [People],
      providers: [People],
    }).compile();
    const keep = (message: unknown) => void logged.push(message);
    Logger.overrideLogger({ log: () => undefined, warn: keep, error: keep } satisfies LoggerService);
    app = module.createNestApplication();
    clients = await listenForMessages(app);
  });

  afterAll(async () => {
    await clients?.close();
    Logger.overrideLogger(false);
    await database.drop();
  });

  /** What the client is told, over both transports. */
  const ask: Record<string, (pattern: string, data?: unknown) => Promise<unknown>> = {
    'a TCP microservice': (pattern, data) =>
      clients.send(pattern, data).catch((error: unknown) => ({ event: 'exception', data: error })),
    'a WebSocket': (event, data) => clients.ask(event, data),
  };

  describe.each(Object.keys(ask))('of %s', (transport) => {
    it.each(['restore', 'restore-later'])('says what stands in the way: %s', async (pattern) => {
      expect(await ask[transport]!(pattern, 2)).toEqual({
        event: 'exception',
        data: {
          status: 'error',
          code: 'RESTORE_CONFLICT',
          message: expect.stringContaining('Person 2 has the same name as the active row 3'),
          conflicts: [expect.objectContaining({ reason: 'unique', key: 2, conflictingKey: 3 })],
        },
      });
      expect(await database.query('select deleted_at is null as active from person where id = 2')).toEqual([
        { active: false },
      ]);
    });

    it('keeps conditions and holds to itself', async () => {
      expect(await ask[transport]!('find', 99)).toEqual({
        event: 'exception',
        data: { status: 'error', code: 'NOT_FOUND', message: 'Person not found' },
      });
      expect(await ask[transport]!('held')).toEqual({
        event: 'exception',
        data: {
          status: 'error',
          code: 'LEGAL_HOLD',
          message: 'Person was not removed: a legal hold covers it.',
        },
      });
    });

    it('writes keys that JSON has no number for', async () => {
      expect(await ask[transport]!('large-key')).toMatchObject({
        data: { conflicts: [{ key: '9007199254740993', conflictingKey: '1' }] },
      });
    });

    it('goes on afterwards', async () => {
      expect(await ask[transport]!('fine')).toEqual({ event: 'fine', data: 'fine' });
    });
  });

  it('logs what an event could not do, since nobody waits for an answer', async () => {
    logged.length = 0;
    clients.emit('to-restore', 2);
    while (logged.length === 0) {
      await setTimeout(20);
    }
    expect(logged).toEqual([expect.stringContaining('Person 2 has the same name as the active row 3')]);
    expect(await ask['a TCP microservice']!('fine')).toEqual({ event: 'fine', data: 'fine' });
  });
});

it('emits the error to a client of Socket.IO, whose send() is for messages', () => {
  const emitted: unknown[] = [];
  const client = { send: () => undefined, emit: (...args: unknown[]) => emitted.push(args) };
  const host = { getType: () => 'ws', switchToWs: () => ({ getClient: () => client }) };
  new SoftDeleteExceptionFilter().catch(
    new LegalHoldError('Person', [{ id: 7, name: 'Miller' }], { Person: 1 }),
    host as never,
  );
  expect(emitted).toEqual([
    ['exception', { status: 'error', code: 'LEGAL_HOLD', message: 'Person was not removed: a legal hold covers it.' }],
  ]);
});
