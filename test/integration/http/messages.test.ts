import { RequestContext } from '@mikro-orm/core';
import {
  type ArgumentsHost,
  BadRequestException,
  type CallHandler,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import {
  DeletedScope,
  InjectSoftDeleteRepository,
  SoftDeleteModule,
  SoftDeleteRepository,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import { defer, firstValueFrom, from, type Observable, throwError } from 'rxjs';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule, Person } from '../nest/people.js';
import { listenForMessages, type MessageClients } from './message-clients.js';

/** Messages have no request context by themselves. */
@Injectable()
class ForkedManager implements NestInterceptor {
  constructor(@InjectSoftDeleteRepository(Person) private readonly people: SoftDeleteRepository<Person>) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return defer(() => RequestContext.create(this.people.getEntityManager(), async () => collect(next.handle())));
  }
}

async function collect(source: Observable<unknown>): Promise<unknown> {
  return firstValueFrom(source, { defaultValue: undefined });
}

/** What an application does with the errors of its pipes, too. */
@Catch(BadRequestException)
class AsMessageError implements ExceptionFilter {
  catch(error: BadRequestException, host: ArgumentsHost): Observable<never> | void {
    if (host.getType() === 'rpc') {
      return throwError(() => new RpcException(error.message).getError());
    }
    const { message } = new WsException(error.message);
    host
      .switchToWs()
      .getClient<WebSocket>()
      .send(JSON.stringify({ event: 'refused', data: message }));
  }
}

@Injectable()
class People {
  constructor(@InjectSoftDeleteRepository(Person) readonly people: SoftDeleteRepository<Person>) {}

  async names(scope?: DeletedScope): Promise<string[]> {
    await new Promise((resolve) => setImmediate(resolve));
    return (await (scope ? this.people.scope(scope) : this.people).findAll({ orderBy: { id: 1 } })).map(
      ({ name }) => name,
    );
  }
}

@Controller()
@UseInterceptors(ForkedManager)
@UseFilters(AsMessageError)
class Messages {
  readonly heard: string[][] = [];
  constructor(private readonly people: People) {}

  @MessagePattern('active')
  active(): Promise<string[]> {
    return this.people.names();
  }

  @WithDeleted()
  @MessagePattern('everybody')
  everybody(): Promise<string[]> {
    return this.people.names();
  }

  @WithDeleted({ arg: 'withDeleted' })
  @MessagePattern('asked')
  asked(@Payload() _payload: unknown): Observable<string[]> {
    return from(this.people.names());
  }

  @MessagePattern('scoped')
  scoped(@DeletedScope({ arg: 'deleted' }) scope: DeletedScope): Promise<string[]> {
    return this.people.names(scope);
  }

  @WithDeleted({ arg: 'withDeleted' })
  @EventPattern('happened')
  async happened(_event: unknown): Promise<void> {
    this.heard.push(await this.people.names());
  }
}

@WithDeleted({ arg: 'withDeleted' })
@WebSocketGateway()
@UseInterceptors(ForkedManager)
@UseFilters(AsMessageError)
class Gateway {
  constructor(private readonly people: People) {}

  @SubscribeMessage('asked')
  async asked(@MessageBody() _body: unknown): Promise<object> {
    return { event: 'asked', data: await this.people.names() };
  }

  @WithDeleted()
  @SubscribeMessage('everybody')
  async everybody(): Promise<object> {
    return { event: 'everybody', data: await this.people.names() };
  }

  @SubscribeMessage('scoped')
  async scoped(@DeletedScope({ arg: 'deleted' }) scope: DeletedScope): Promise<object> {
    return { event: 'scoped', data: await this.people.names(scope) };
  }
}

describe.each([false, true])('Message handlers (inheritAppConfig: %s)', (inheritAppConfig) => {
  let database: TestDatabase;
  let app: INestApplication;
  let clients: MessageClients;

  beforeAll(async () => {
    database = await createPeopleDatabase();
    const module = await Test.createTestingModule({
      imports: [mikroOrmModule(database), SoftDeleteModule.forRoot(), SoftDeleteModule.forFeature([Person])],
      controllers: [Messages],
      providers: [People, Gateway],
    }).compile();
    app = module.createNestApplication({ logger: false });
    clients = await listenForMessages(app, { inheritAppConfig });
  });

  afterAll(async () => {
    await clients?.close();
    await database.drop();
  });

  it('of a microservice show deleted rows where they are marked', async () => {
    await expect(
      Promise.all([clients.send('active'), clients.send('everybody'), clients.send('active')]),
    ).resolves.toEqual([['Ada'], ['Ada', 'Bob'], ['Ada']]);
  });

  it.each([
    [{}, ['Ada']],
    [{ withDeleted: true }, ['Ada', 'Bob']],
    [{ withDeleted: 'true' }, ['Ada', 'Bob']],
    [{ withDeleted: false }, ['Ada']],
    [{ query: { withDeleted: true } }, ['Ada']],
    ['withDeleted', ['Ada']],
    [[{ withDeleted: true }], ['Ada']],
  ])('of a microservice show them when the message asks for it: %j', async (message, names) => {
    await expect(clients.send('asked', message)).resolves.toEqual(names);
  });

  it('of a microservice get the scope that the message names', async () => {
    await expect(clients.send('scoped', {})).resolves.toEqual(['Ada']);
    await expect(clients.send('scoped', { deleted: 'only' })).resolves.toEqual(['Bob']);
  });

  it('of a microservice refuse what is neither', async () => {
    await expect(clients.send('asked', { withDeleted: 1 })).rejects.toBe(
      'The argument withDeleted must be true or false.',
    );
    await expect(clients.send('scoped', { deleted: 'all' })).rejects.toBe(
      'The argument deleted must be active, with or only.',
    );
  });

  it('of events show them too', async () => {
    clients.emit('happened', { withDeleted: true });
    const { heard } = app.get(Messages);
    for (let waited = 0; heard.length === 0 && waited < 5_000; waited += 20) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(heard).toEqual([['Ada', 'Bob']]);
  });

  it('of a gateway show them where they are marked, or the message asks for it', async () => {
    expect(await clients.ask('asked', {})).toEqual({ event: 'asked', data: ['Ada'] });
    expect(await clients.ask('asked', { withDeleted: true })).toEqual({ event: 'asked', data: ['Ada', 'Bob'] });
    expect(await clients.ask('everybody', { withDeleted: false })).toEqual({
      event: 'everybody',
      data: ['Ada', 'Bob'],
    });
    expect(await clients.ask('scoped', { deleted: 'only' })).toEqual({ event: 'scoped', data: ['Bob'] });
    expect(await clients.ask('asked', { withDeleted: 'maybe' })).toEqual({
      event: 'refused',
      data: 'The argument withDeleted must be true or false.',
    });
  });
});
