import {
  OnQueueEvent,
  OnWorkerEvent,
  Processor,
  QueueEventsHost,
  QueueEventsListener,
  WorkerHost,
} from '@nestjs/bullmq';
import { Controller, Get, Injectable, type Type } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner } from '@nestjs/core';
import { OnEvent } from '@nestjs/event-emitter';
import { MessagePattern } from '@nestjs/microservices';
import { Cron, Interval, Timeout } from '@nestjs/schedule';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { DeletedScope, SoftDeleteConfigError, SoftDeleteModule, WithDeleted } from 'nestjs-mikro-orm-soft-delete';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule } from '../nest/people.js';

@Injectable()
class Scheduled {
  @WithDeleted()
  @Cron('0 3 * * *')
  nightly(): void {}
}

@Injectable()
class Repeated {
  @Interval(1000)
  @WithDeleted()
  often(): void {}
}

@WithDeleted()
@Injectable()
class MarkedTimer {
  @Timeout(1000)
  later(): void {}
}

@Injectable()
class Listener {
  @WithDeleted()
  @OnEvent('user.deleted')
  heard(): void {}
}

@Injectable()
class ScopedListener {
  @OnEvent('user.deleted')
  heard(@DeletedScope({ arg: 'deleted' }) _scope: DeletedScope): void {}
}

@Processor('mail')
class MailProcessor extends WorkerHost {
  @WithDeleted()
  async process(): Promise<void> {}
}

@WithDeleted()
@Processor('mail')
class MarkedProcessor extends WorkerHost {
  async process(): Promise<void> {}
}

@Processor('mail')
class MailListener extends WorkerHost {
  async process(): Promise<void> {}

  @WithDeleted()
  @OnWorkerEvent('completed')
  completed(): void {}
}

@QueueEventsListener('mail')
class QueueListener extends QueueEventsHost {
  @WithDeleted()
  @OnQueueEvent('completed')
  completed(): void {}
}

class Inherited extends Scheduled {}

@Controller()
class ListeningController {
  @Get()
  list(): void {}

  @WithDeleted()
  @OnEvent('user.deleted')
  heard(): void {}
}

const ADVICE = "Read with repository.withDeleted(), or wrap what the method does: runInScope(em, 'with', () => …).";

describe('A decorator for requests', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createPeopleDatabase();
  });

  afterAll(() => database.drop());

  /** Without the modules that would call the methods: start-up ends before they do. */
  async function start(metadata: { providers?: Type[]; controllers?: Type[] }): Promise<void> {
    const module = await Test.createTestingModule({
      imports: [mikroOrmModule(database), SoftDeleteModule.forRoot(), DiscoveryModule],
      ...metadata,
    }).compile();
    try {
      const app = module.createNestApplication({ logger: false });
      await app.useWebSocketAdapter(new WsAdapter(app)).init();
      expect(module.get(DiscoveryService).getProviders().length).toBeGreaterThan(0);
    } finally {
      await module.close();
    }
  }

  it.each<[Type, string, string]>([
    [Scheduled, '@WithDeleted() on Scheduled.nightly', 'a scheduled method'],
    [Repeated, '@WithDeleted() on Repeated.often', 'a scheduled method'],
    [MarkedTimer, '@WithDeleted() on MarkedTimer.later', 'a scheduled method'],
    [Inherited, '@WithDeleted() on Inherited.nightly', 'a scheduled method'],
    [Listener, '@WithDeleted() on Listener.heard', 'a listener (@OnEvent())'],
    [ScopedListener, '@DeletedScope() on ScopedListener.heard', 'a listener (@OnEvent())'],
    [MailProcessor, '@WithDeleted() on MailProcessor.process', 'a processor of a queue'],
    [MarkedProcessor, '@WithDeleted() on MarkedProcessor.process', 'a processor of a queue'],
    [MailListener, '@WithDeleted() on MailListener.completed', 'a listener of a queue'],
    [QueueListener, '@WithDeleted() on QueueListener.completed', 'a listener of a queue'],
  ])('is refused at start-up where no request comes: %p', async (provider, option, kind) => {
    const started = start({ providers: [provider] });
    await expect(started).rejects.toThrow(SoftDeleteConfigError);
    await expect(started).rejects.toMatchObject({ option, problem: expect.stringContaining(kind), advice: ADVICE });
  });

  it('is refused on such a method of a controller too', async () => {
    await expect(start({ controllers: [ListeningController] })).rejects.toMatchObject({
      option: '@WithDeleted() on ListeningController.heard',
    });
  });

  it('is fine on a class that has handlers as well, and on a handler that is called in another way too', async () => {
    @WithDeleted()
    @Controller()
    class Mixed {
      @Get()
      list(): void {}

      @Cron('0 3 * * *')
      nightly(): void {}
    }
    @WithDeleted({ query: 'withDeleted', arg: 'withDeleted' })
    @Controller()
    class Both {
      @WithDeleted({ query: 'withDeleted', arg: 'withDeleted' })
      @MessagePattern('list')
      @Get()
      list(): void {}

      @WithDeleted()
      @MessagePattern('listen')
      @OnEvent('user.deleted')
      heard(): void {}
    }
    await expect(start({ controllers: [Mixed, Both], providers: [MetadataScanner] })).resolves.toBeUndefined();
  });

  it('is refused where what it names is of another kind of request', async () => {
    @Controller()
    class Route {
      @WithDeleted({ arg: 'withDeleted' })
      @Get()
      list(): void {}
    }
    @Controller()
    class Message {
      @MessagePattern('list')
      list(@DeletedScope('deleted') _scope: DeletedScope): void {}
    }
    @WebSocketGateway()
    class Gateway {
      @WithDeleted({ query: 'withDeleted' })
      @SubscribeMessage('list')
      list(): void {}
    }
    @WithDeleted({ arg: 'withDeleted' })
    @Controller()
    class Routes {
      @Get()
      list(): void {}
    }
    await expect(start({ controllers: [Routes] })).rejects.toMatchObject({ option: '@WithDeleted() on Routes' });
    await expect(start({ controllers: [Route] })).rejects.toMatchObject({
      option: '@WithDeleted() on Route.list',
      advice: "Write { query: 'withDeleted' } for a query parameter.",
    });
    await expect(start({ controllers: [Message] })).rejects.toMatchObject({
      option: '@DeletedScope() on Message.list',
      advice: "Write { arg: 'deleted' } for the argument of a resolver or the property of a message.",
    });
    await expect(start({ providers: [Gateway] })).rejects.toMatchObject({ option: '@WithDeleted() on Gateway.list' });
  });

  it('is refused with options that nobody reads', () => {
    expect(() => DeletedScope({ argument: 'deleted' } as never)).toThrow(SoftDeleteConfigError);
    expect(() => DeletedScope({} as never)).toThrow(/names neither a query parameter nor an argument/);
    expect(() => DeletedScope({ arg: 1 } as never)).toThrow(SoftDeleteConfigError);
    expect(() => WithDeleted({ args: 'withDeleted' } as never)).toThrow(SoftDeleteConfigError);
    expect(() => WithDeleted({ arg: '' })).toThrow(SoftDeleteConfigError);
  });
});
