import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { INestApplication, NestHybridApplicationOptions } from '@nestjs/common';
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { lastValueFrom, timeout } from 'rxjs';

/** How long an answer may take: clients that get none would wait for ever. */
const PATIENCE = 10_000;

/** Clients of an application that listens for messages: one of a TCP microservice, one of a gateway. */
export interface MessageClients {
  /** The answer of the microservice. */
  send(pattern: string, data?: unknown): Promise<unknown>;
  /** Tells the microservice something that it does not answer. */
  emit(pattern: string, data: unknown): void;
  /** The next message of the gateway, which may be one that was not asked for. */
  ask(event: string, data?: unknown): Promise<{ event: string; data: unknown }>;
  close(): Promise<void>;
}

/** Starts an application on ports that are free. */
export async function listenForMessages(
  app: INestApplication,
  options: NestHybridApplicationOptions = {},
): Promise<MessageClients> {
  app.useWebSocketAdapter(new WsAdapter(app));
  const service = app.connectMicroservice(
    { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
    options,
  );
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port } = service.unwrap<{ address(): AddressInfo }>().address();
  const client: ClientProxy = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
  });
  const socket = new WebSocket((await app.getUrl()).replace('http', 'ws'));
  await once(socket, 'open');
  return {
    send: (pattern, data = {}) => lastValueFrom(client.send<unknown>(pattern, data).pipe(timeout(PATIENCE))),
    emit: (pattern, data) => void client.emit(pattern, data),
    ask: async (event, data) => {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(PATIENCE) }) as Promise<[MessageEvent]>;
      socket.send(JSON.stringify({ event, data }));
      const [{ data: text }] = await answer;
      return JSON.parse(text as string) as { event: string; data: unknown };
    },
    close: async () => {
      socket.close();
      await client.close();
      await app.close();
    },
  };
}
