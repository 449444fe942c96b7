"""``python -m k8s_stateful_lint``."""

from k8s_stateful_lint.cli import main

if __name__ == "__main__":
    main()
