import { Controller, Get, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';

/** Whoever opens the address in a browser is shown what the shop can do. */
@Controller()
@ApiExcludeController()
export class StartController {
  @Get()
  @Redirect('/docs')
  start(): void {}
}
