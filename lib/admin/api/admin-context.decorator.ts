import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

/** Injects the execution context of a request, which `can` and `actor` are asked with. @internal */
export const AdminContext = createParamDecorator((_data: unknown, context: ExecutionContext) => context);
