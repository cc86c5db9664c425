import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { ModulesContainer, Reflector } from '@nestjs/core';
import { Observable } from 'rxjs';
import { OpenDeletionContext } from '../events/deletion-context.js';
import { type DescribedDecorator, describeAllRoutes } from './open-api/describe-routes.js';

/** Where the decorator leaves the header for the interceptor. @internal */
export const DELETION_REASON_METADATA = 'nestjs-mikro-orm-soft-delete/deletion-reason';

/** What OpenAPI is told of the decorator. @internal */
export const DELETION_REASON_DESCRIPTION: DescribedDecorator<string> = {
  metadata: DELETION_REASON_METADATA,
  parameterOf: (header) => ({
    in: 'header',
    name: header,
    description: 'Why, for the records of what is deleted and restored. Text beyond Latin-1 is percent-encoded.',
    schema: { type: 'string' },
  }),
};

/**
 * Opens the context that `@DeletionReason()` asks for around the handler. It ends with what the handler answers.
 *
 * @internal
 */
@Injectable()
export class DeletionReasonInterceptor implements NestInterceptor {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    describeAllRoutes(modules, DELETION_REASON_DESCRIPTION);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const header = this.reflector.getAllAndOverride<string>(DELETION_REASON_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    const reason = readHeader(context, header);
    if (reason === undefined) {
      return next.handle();
    }
    const opened = new OpenDeletionContext({ reason });
    return new Observable((subscriber) => {
      const subscription = opened.enter(() => next.handle().subscribe(subscriber));
      return () => {
        subscription.unsubscribe();
        opened.close();
      };
    });
  }
}

/** Percent-encoded text is decoded, since a header holds no other letters than those of Latin-1. */
function readHeader(context: ExecutionContext, name: string): string | undefined {
  if (context.getType() !== 'http') {
    return undefined;
  }
  const { headers = {} } = context.switchToHttp().getRequest<{ headers?: Record<string, unknown> }>();
  const value = headers[name.toLowerCase()];
  const text = typeof value === 'string' ? value.trim() : '';
  if (text === '') {
    return undefined;
  }
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
