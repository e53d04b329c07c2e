"""Proximal policy optimisation of the sizing policy: big batches, few epochs, a small net, one seed, one thread.

The policy is a Gaussian over z, and the multiplier is sigmoid(z). What is served is sigmoid(mean z): a continuous
action, never the argmax of anything. The same seed and the same PyTorch give the same weights, bit for bit.

What is seen does not depend on what is done, so what the market would have paid the served multiplier is nobody's
merit. It is taken out of each reward before credit is given: the gradient stays what it was, most of its noise goes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from perpmesh.rl_training.domain.accounting import Costs
from perpmesh.rl_training.domain.env import SizingEnv
from perpmesh.rl_training.domain.market import Floats, Market

LOG_STD_RANGE = (-1.5, 0.5)  # of z: never so narrow that nothing new is tried
QUIET = 1e-9

Report = Callable[[int, float], None]  # steps done, mean reward of the newest batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to learn. A small discount: a size is judged by the next hours, and longer horizons only add noise."""

    environments: int = 128
    horizon: int = 32
    minibatch: int = 1024
    epochs: int = 4
    learning_rate: float = 2e-3  # falls to nothing towards the end
    discount: float = 0.9
    trace: float = 0.9  # λ of the generalised advantage
    clip: float = 0.2
    hidden: int = 32
    gradient_norm_max: float = 0.5


class Policy:
    """An actor and its critic over standardised observations."""

    def __init__(self, market: Market, hidden: int) -> None:
        seen = market.observations.reshape(-1, market.observations.shape[-1])
        self.mean = seen.mean(axis=0)
        spread = seen.std(axis=0)
        self.std = np.where(spread > QUIET, spread, 1.0)
        self.actor = _perceptron(seen.shape[1], hidden)
        self.critic = _perceptron(seen.shape[1], hidden)
        self.log_std = nn.Parameter(torch.zeros(1))

    def parameters(self) -> list[nn.Parameter]:
        return [*self.actor.parameters(), *self.critic.parameters(), self.log_std]

    def standardised(self, observations: Floats) -> Tensor:
        return torch.from_numpy(((observations - self.mean) / self.std).astype(np.float32))

    def sigma(self) -> Tensor:
        return self.log_std.clamp(*LOG_STD_RANGE).exp()

    def multipliers(self, observations: Floats) -> Floats:
        """Return what is served: the deterministic multiplier for each observation."""
        with torch.no_grad():
            served = torch.sigmoid(self.actor(self.standardised(observations))).squeeze(-1)
        return served.numpy().astype(np.float64)

    def layers(self) -> list[tuple[Floats, Floats]]:
        """Return the actor's weights [out, in] and biases, first layer first."""
        linear = [layer for layer in self.actor if isinstance(layer, nn.Linear)]
        return [
            (one.weight.detach().numpy().astype(np.float64), one.bias.detach().numpy().astype(np.float64))
            for one in linear
        ]


def _perceptron(inputs: int, hidden: int) -> nn.Sequential:
    first, second, last = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
    for layer, gain in ((first, 1.0), (second, 1.0), (last, 0.01)):
        nn.init.orthogonal_(layer.weight, gain)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), last)


class Adam:
    """The usual optimizer. PyTorch's own loads a compiler first: two seconds and 50 MB, for a net this small."""

    BETA, BETA_SQUARE, EPSILON = 0.9, 0.999, 1e-5

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self.parameters = parameters
        self.rate = 0.0
        self._steps = 0
        self._first = [torch.zeros_like(one) for one in parameters]
        self._second = [torch.zeros_like(one) for one in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], norm_max: float) -> None:
        """Move against the gradients, which together are cut to `norm_max`."""
        self._steps += 1
        norm = torch.stack([one.square().sum() for one in gradients]).sum().sqrt()
        scale = (norm_max / (norm + self.EPSILON)).clamp_max(1.0)
        fade, fade_square = 1 - self.BETA**self._steps, 1 - self.BETA_SQUARE**self._steps
        for parameter, gradient, first, second in zip(
            self.parameters, gradients, self._first, self._second, strict=True
        ):
            cut = gradient * scale
            first.lerp_(cut, 1 - self.BETA)
            second.lerp_(cut.square(), 1 - self.BETA_SQUARE)
            parameter.sub_(self.rate * (first / fade) / ((second / fade_square).sqrt() + self.EPSILON))


@dataclass(slots=True, eq=False)
class Batch:
    """What one rollout saw, [steps × environments], ready to learn from."""

    observations: Tensor
    actions: Tensor
    log_likelihoods: Tensor
    advantages: Tensor
    targets: Tensor
    mean_reward: float


def learn(
    market: Market,
    *,
    total_steps: int,
    seed: int,
    report: Report,
    costs: Costs | None = None,
    settings: Settings | None = None,
) -> Policy:
    """Return the policy learnt on `market` in `total_steps` environment steps."""
    settings = settings or Settings()
    torch.set_num_threads(1)  # another number of threads adds in another order, and gives other bits
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    env = SizingEnv(market, costs or Costs(), generator, count=settings.environments)
    policy = Policy(market, settings.hidden)
    optimizer = Adam(policy.parameters())
    reward_scale = max(float((market.base * market.returns).std()), QUIET)
    done = 0
    while done < total_steps:
        horizon = min(settings.horizon, -(-(total_steps - done) // settings.environments))
        batch = _rollout(env, policy, horizon, reward_scale, settings)
        optimizer.rate = settings.learning_rate * (1.0 - done / total_steps)
        _improve(policy, optimizer, batch, generator, settings)
        done += horizon * settings.environments
        report(min(done, total_steps), batch.mean_reward)
    return policy


def _rollout(env: SizingEnv, policy: Policy, horizon: int, reward_scale: float, settings: Settings) -> Batch:
    observations, actions, merits, ended = [], [], [], []
    earned = 0.0
    with torch.no_grad():
        for _ in range(horizon):
            seen = policy.standardised(env.observations)
            mean = policy.actor(seen).squeeze(-1)
            action = mean + policy.sigma() * torch.randn_like(mean)
            step = env.step(torch.sigmoid(action).numpy().astype(np.float64))
            observations.append(seen)
            actions.append(action)
            merit = step.rewards - torch.sigmoid(mean).numpy() * step.exposures
            merits.append(torch.from_numpy((merit / reward_scale).astype(np.float32)))
            earned += float(step.rewards.mean()) / horizon
            ended.append(torch.from_numpy(step.ended.astype(np.float32)))
        seen = torch.stack(observations)
        after = policy.standardised(env.observations)
        values = policy.critic(torch.cat([seen, after[None]])).squeeze(-1)
        advantages = _advantages(torch.stack(merits), values, torch.stack(ended), settings)
        flat = torch.stack(actions).flatten()
        likelihoods = _log_likelihood(policy, seen.flatten(0, 1), flat)
    return Batch(
        observations=seen.flatten(0, 1),
        actions=flat,
        log_likelihoods=likelihoods,
        advantages=advantages.flatten(),
        targets=(advantages + values[:-1]).flatten(),
        mean_reward=earned,
    )


def _advantages(rewards: Tensor, values: Tensor, ended: Tensor, settings: Settings) -> Tensor:
    """Return generalised advantages; nothing flows back over the end of an episode."""
    advantages = torch.zeros_like(rewards)
    carried = torch.zeros_like(rewards[0])
    for at in reversed(range(len(rewards))):
        goes_on = 1.0 - ended[at]
        surprise = rewards[at] + settings.discount * values[at + 1] * goes_on - values[at]
        carried = surprise + settings.discount * settings.trace * goes_on * carried
        advantages[at] = carried
    return advantages


def _log_likelihood(policy: Policy, observations: Tensor, actions: Tensor) -> Tensor:
    """Return log p(z). The sigmoid's Jacobian is the same under the old and the new policy, so it cancels."""
    sigma = policy.sigma()
    away = (actions - policy.actor(observations).squeeze(-1)) / sigma
    result: Tensor = -0.5 * away**2 - torch.log(sigma)
    return result


def _improve(policy: Policy, optimizer: Adam, batch: Batch, generator: np.random.Generator, settings: Settings) -> None:
    spread = batch.advantages.std(correction=0).clamp_min(QUIET)
    advantages = (batch.advantages - batch.advantages.mean()) / spread
    count = len(advantages)
    for _ in range(settings.epochs):
        order = torch.from_numpy(generator.permutation(count))
        for chosen in torch.split(order, settings.minibatch):
            loss = _loss(policy, batch, advantages, chosen, settings)
            optimizer.step(torch.autograd.grad(loss, optimizer.parameters), settings.gradient_norm_max)


def _loss(policy: Policy, batch: Batch, advantages: Tensor, chosen: Tensor, settings: Settings) -> Tensor:
    seen, advantage = batch.observations[chosen], advantages[chosen]
    ratio = torch.exp(_log_likelihood(policy, seen, batch.actions[chosen]) - batch.log_likelihoods[chosen])
    clipped = ratio.clamp(1.0 - settings.clip, 1.0 + settings.clip)
    gain = torch.min(ratio * advantage, clipped * advantage).mean()
    error = (policy.critic(seen).squeeze(-1) - batch.targets[chosen]).square().mean()
    result: Tensor = 0.5 * error - gain
    return result
