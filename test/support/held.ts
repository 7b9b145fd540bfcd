import { Context } from '@temporalio/activity';

/** An activity that does nothing until it is released. */
export class Held {
  waiting = false;
  cancelled = false;
  private open: () => void = () => undefined;
  private readonly gate = new Promise<void>((resolve) => {
    this.open = resolve;
  });

  async wait(): Promise<void> {
    const context = Context.current();
    const beats = setInterval(() => context.heartbeat(), 200);
    context.cancellationSignal.addEventListener('abort', () => {
      this.cancelled = true;
    });
    this.waiting = true;
    await this.gate;
    clearInterval(beats);
  }

  release(): void {
    this.open();
  }
}
